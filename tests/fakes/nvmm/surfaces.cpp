// NvBufSurface, NvBufSurfTransform and CUDA's mapping of EGL images without a Jetson: a surface is memory of the fake
// GPU. What happens to surfaces is noted, and what is asked for out of order aborts.

#include "surfaces.h"

#include <cudaEGL.h>
#include <nvbufsurftransform.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

namespace fake_nvmm {

namespace {

constexpr std::uint32_t kPitches[] = {256, 512};  // rows of luma and of chroma begin at multiples of these
std::mutex mutex;
std::string notes;
std::string failing;
std::map<const NvBufSurface*, int> numbers;
int made = 0;

[[noreturn]] void abort_for(const char* reason) {
    std::fprintf(stderr, "fake_nvmm: %s\n", reason);
    std::abort();
}

// The fake GPU's context is the current one while it lives.
class Current {
   public:
    Current() {
        CUcontext context = nullptr;
        cuDevicePrimaryCtxRetain(&context, 0);
        cuCtxPushCurrent(context);
    }
    ~Current() {
        CUcontext context = nullptr;
        cuCtxPopCurrent(&context);
    }
};

bool fails(const char* function) {
    const std::lock_guard<std::mutex> lock(mutex);
    return failing == function;
}

NvBufSurface* surface_of(CUgraphicsResource resource) { return reinterpret_cast<NvBufSurface*>(resource); }

}  // namespace

void note(const char* what, const NvBufSurface* surface) {
    const std::lock_guard<std::mutex> lock(mutex);
    notes += std::string(what) + " " + std::to_string(numbers.at(surface)) + "\n";
}

NvBufSurface* make(std::uint32_t width, std::uint32_t height, NvBufSurfaceColorFormat format,
                   NvBufSurfaceLayout layout) {
    const std::uint32_t widths[] = {width, (width + 1) / 2 * 2};
    const std::uint32_t heights[] = {height, (height + 1) / 2};
    auto* surface = new NvBufSurface{};
    surface->batchSize = 1;
    surface->memType = NVBUF_MEM_SURFACE_ARRAY;
    surface->surfaceList = new NvBufSurfaceParams{};
    auto& params = *surface->surfaceList;
    params.width = width;
    params.height = height;
    params.colorFormat = format;
    params.layout = layout;
    auto& planes = params.planeParams;
    planes.num_planes = 2;
    for (int plane = 0; plane < 2; ++plane) {
        planes.width[plane] = widths[plane];
        planes.height[plane] = heights[plane];
        planes.pitch[plane] = (widths[plane] + kPitches[plane] - 1) / kPitches[plane] * kPitches[plane];
        planes.offset[plane] = params.dataSize;
        planes.psize[plane] = planes.pitch[plane] * heights[plane];
        params.dataSize += planes.psize[plane];
    }
    const Current current;
    CUdeviceptr memory = 0;
    cuMemAlloc(&memory, params.dataSize);
    params.dataPtr = reinterpret_cast<void*>(memory);
    const std::lock_guard<std::mutex> lock(mutex);
    numbers[surface] = made++;
    return surface;
}

void destroy(NvBufSurface* surface) {
    if (surface->surfaceList->mappedAddr.eglImage) {
        abort_for("a surface is given back while it is mapped");
    }
    {
        const Current current;
        cuMemFree(reinterpret_cast<CUdeviceptr>(surface->surfaceList->dataPtr));
    }
    {
        const std::lock_guard<std::mutex> lock(mutex);
        numbers.erase(surface);
    }
    delete surface->surfaceList;
    delete surface;
}

void copy(const NvBufSurface* from, const NvBufSurface* to) {
    const auto& source = *from->surfaceList;
    const auto& target = *to->surfaceList;
    // Block-linear memory holds other bytes in every place.
    const auto changed = static_cast<std::uint8_t>(source.layout == target.layout ? 0 : 0xff);
    const auto* bytes = static_cast<const std::uint8_t*>(source.dataPtr);
    std::transform(bytes, bytes + source.dataSize, static_cast<std::uint8_t*>(target.dataPtr),
                   [changed](std::uint8_t byte) { return static_cast<std::uint8_t>(byte ^ changed); });
}

}  // namespace fake_nvmm

using namespace fake_nvmm;

extern "C" {

// What has happened since the last time, one thing a line: what, and which surface.
const char* fake_nvmm_notes() {
    static std::string told;
    const std::lock_guard<std::mutex> lock(mutex);
    told.swap(notes);
    notes.clear();
    return told.c_str();
}

int fake_nvmm_alive() {
    const std::lock_guard<std::mutex> lock(mutex);
    return static_cast<int>(numbers.size());
}

// From now on the function of that name fails.
void fake_nvmm_fail(const char* function) {
    const std::lock_guard<std::mutex> lock(mutex);
    failing = function;
}

int NvBufSurfaceCreate(NvBufSurface** surf, uint32_t, NvBufSurfaceCreateParams* params) {
    if (fails("NvBufSurfaceCreate")) {
        return -1;
    }
    *surf = make(params->width, params->height, params->colorFormat, params->layout);
    note("create", *surf);
    return 0;
}

int NvBufSurfaceDestroy(NvBufSurface* surf) {
    note("destroy", surf);
    destroy(surf);
    return 0;
}

int NvBufSurfaceMapEglImage(NvBufSurface* surf, int) {
    if (fails("NvBufSurfaceMapEglImage")) {
        return -1;
    }
    surf->surfaceList->mappedAddr.eglImage = surf;
    note("map", surf);
    return 0;
}

int NvBufSurfaceUnMapEglImage(NvBufSurface* surf, int) {
    if (surf->surfaceList->mappedAddr._reserved[0]) {
        abort_for("an EGL image is destroyed while CUDA has it");
    }
    surf->surfaceList->mappedAddr.eglImage = nullptr;
    note("unmap", surf);
    return 0;
}

NvBufSurfTransform_Error NvBufSurfTransform(NvBufSurface* src, NvBufSurface* dst, NvBufSurfTransformParams*) {
    if (fails("NvBufSurfTransform")) {
        return NvBufSurfTransformError_Execution_Error;
    }
    if (dst->numFilled != 1) {
        abort_for("nothing is to be filled");
    }
    copy(src, dst);
    note("transform", dst);
    return NvBufSurfTransformError_Success;
}

CUresult cuGraphicsEGLRegisterImage(CUgraphicsResource* resource, EGLImageKHR image, unsigned) {
    CUdevice device = 0;
    if (cuCtxGetDevice(&device) != CUDA_SUCCESS) {
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    if (fails("cuGraphicsEGLRegisterImage")) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    auto* surface = static_cast<NvBufSurface*>(image);
    surface->surfaceList->mappedAddr._reserved[0] = surface;
    *resource = reinterpret_cast<CUgraphicsResource>(surface);
    note("register", surface);
    return CUDA_SUCCESS;
}

CUresult cuGraphicsResourceGetMappedEglFrame(CUeglFrame* frame, CUgraphicsResource resource, unsigned, unsigned) {
    if (fails("cuGraphicsResourceGetMappedEglFrame")) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const auto& params = *surface_of(resource)->surfaceList;
    *frame = {};
    frame->width = params.width;
    frame->height = params.height;
    frame->planeCount = params.planeParams.num_planes;
    frame->frameType = params.layout == NVBUF_LAYOUT_PITCH ? CU_EGL_FRAME_TYPE_PITCH : CU_EGL_FRAME_TYPE_ARRAY;
    frame->pitch = params.planeParams.pitch[0];
    for (unsigned plane = 0; plane < frame->planeCount; ++plane) {
        frame->frame.pPitch[plane] = static_cast<std::uint8_t*>(params.dataPtr) + params.planeParams.offset[plane];
    }
    return CUDA_SUCCESS;
}

CUresult cuGraphicsUnregisterResource(CUgraphicsResource resource) {
    CUdevice device = 0;
    if (cuCtxGetDevice(&device) != CUDA_SUCCESS) {
        abort_for("a resource is let go without a context");
    }
    surface_of(resource)->surfaceList->mappedAddr._reserved[0] = nullptr;
    note("unregister", surface_of(resource));
    return CUDA_SUCCESS;
}
}
