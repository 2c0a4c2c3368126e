// What cpp/nvmm uses of NvBufSurfTransform, which converts surfaces, declared anew; see nvbufsurface.h.
#pragma once

#include "nvbufsurface.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { NvBufSurfTransform_None } NvBufSurfTransform_Flip;

typedef enum { NvBufSurfTransformInter_Nearest } NvBufSurfTransform_Inter;

typedef enum {
    NvBufSurfTransformError_Execution_Error = -2,
    NvBufSurfTransformError_Success = 0
} NvBufSurfTransform_Error;

typedef struct {
    uint32_t top;
    uint32_t left;
    uint32_t width;
    uint32_t height;
} NvBufSurfTransformRect;

typedef struct _NvBufSurfaceTransformParams {
    uint32_t transform_flag;
    NvBufSurfTransform_Flip transform_flip;
    NvBufSurfTransform_Inter transform_filter;
    NvBufSurfTransformRect* src_rect;
    NvBufSurfTransformRect* dst_rect;
} NvBufSurfTransformParams;

NvBufSurfTransform_Error NvBufSurfTransform(NvBufSurface* src, NvBufSurface* dst,
                                            NvBufSurfTransformParams* transform_params);

#ifdef __cplusplus
}
#endif
