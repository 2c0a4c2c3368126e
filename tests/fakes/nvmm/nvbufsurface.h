// What cpp/nvmm uses of NvBufSurface, the surfaces of a Jetson's multimedia API, declared anew for builds without one:
// names, types and their order are those of JetPack 6; of the numbers only those that the interface fixes matter.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    NVBUF_COLOR_FORMAT_INVALID = 0,
    NVBUF_COLOR_FORMAT_NV12 = 6,
    NVBUF_COLOR_FORMAT_NV12_ER = 7,
    NVBUF_COLOR_FORMAT_RGBA = 19,
    NVBUF_COLOR_FORMAT_NV12_709 = 33,
    NVBUF_COLOR_FORMAT_NV12_709_ER = 34,
    NVBUF_COLOR_FORMAT_NV12_2020 = 36
} NvBufSurfaceColorFormat;

typedef enum { NVBUF_LAYOUT_PITCH, NVBUF_LAYOUT_BLOCK_LINEAR } NvBufSurfaceLayout;

typedef enum { NVBUF_MEM_DEFAULT = 0, NVBUF_MEM_SURFACE_ARRAY = 4 } NvBufSurfaceMemType;

typedef struct NvBufSurfaceCreateParams {
    uint32_t gpuId;
    uint32_t width;
    uint32_t height;
    uint32_t size;
    bool isContiguous;
    NvBufSurfaceColorFormat colorFormat;
    NvBufSurfaceLayout layout;
    NvBufSurfaceMemType memType;
} NvBufSurfaceCreateParams;

typedef struct NvBufSurfacePlaneParams {
    uint32_t num_planes;
    uint32_t width[4];
    uint32_t height[4];
    uint32_t pitch[4];
    uint32_t offset[4];
    uint32_t psize[4];
    uint32_t bytesPerPix[4];
    void* _reserved[16];
} NvBufSurfacePlaneParams;

typedef struct NvBufSurfaceMappedAddr {
    void* addr[4];
    void* eglImage;
    void* _reserved[4];
} NvBufSurfaceMappedAddr;

typedef struct NvBufSurfaceParams {
    uint32_t width;
    uint32_t height;
    uint32_t pitch;
    NvBufSurfaceColorFormat colorFormat;
    NvBufSurfaceLayout layout;
    uint64_t bufferDesc;
    uint32_t dataSize;
    void* dataPtr;
    NvBufSurfacePlaneParams planeParams;
    NvBufSurfaceMappedAddr mappedAddr;
    struct NvBufSurfaceParamsEx* paramex;
    void* _reserved[3];
} NvBufSurfaceParams;

typedef struct NvBufSurface {
    uint32_t gpuId;
    uint32_t batchSize;
    uint32_t numFilled;
    bool isContiguous;
    NvBufSurfaceMemType memType;
    NvBufSurfaceParams* surfaceList;
    void* _reserved[4];
} NvBufSurface;

// All return 0, or -1 if they fail.
int NvBufSurfaceCreate(NvBufSurface** surf, uint32_t batchSize, NvBufSurfaceCreateParams* params);
int NvBufSurfaceDestroy(NvBufSurface* surf);
int NvBufSurfaceMapEglImage(NvBufSurface* surf, int index);
int NvBufSurfaceUnMapEglImage(NvBufSurface* surf, int index);

#ifdef __cplusplus
}
#endif
