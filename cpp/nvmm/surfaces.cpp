#include "nvmm/surfaces.h"

#include <nvbufsurftransform.h>

#include <algorithm>
#include <string>
#include <utility>

namespace aernet::nvmm {

namespace {

constexpr int kMostBorrowed = 3;  // nvarguscamerasrc has six; one more waits in the appsink
constexpr std::size_t kMostFree = 4;

void check(CUresult status, const char* function) {
    if (status != CUDA_SUCCESS) {
        throw CaptureError(std::string("CUDA does not map a frame (") + function + ": error " + std::to_string(status) +
                           "); leave out memory:NVMM at the end of the pipeline");
    }
}

void check(bool is_done, const char* function) {
    if (!is_done) {
        throw CaptureError(std::string(function) +
                           " refuses a frame; leave out memory:NVMM at the end of the pipeline");
    }
}

// As GStreamer writes range and matrix. NV12 without either is what elements also say that do not know.
std::string colorimetry_of(NvBufSurfaceColorFormat format) {
    switch (format) {
        case NVBUF_COLOR_FORMAT_NV12:
            return "";
        case NVBUF_COLOR_FORMAT_NV12_ER:
            return "1:4:0:0";
        case NVBUF_COLOR_FORMAT_NV12_709:
            return "2:3:0:0";
        case NVBUF_COLOR_FORMAT_NV12_709_ER:
            return "1:3:0:0";
        case NVBUF_COLOR_FORMAT_NV12_2020:
            return "bt2020";
        default:
            throw CaptureError("expected surfaces in NV12 of 8 bits, found NvBufSurface's colour format " +
                               std::to_string(format) +
                               "; end the pipeline with '! nvvidconv ! "
                               "video/x-raw(memory:NVMM),format=NV12'");
    }
}

NvBufSurface* created(const NvBufSurfaceParams& like) {
    NvBufSurfaceCreateParams params{};
    params.width = like.width;
    params.height = like.height;
    params.colorFormat = like.colorFormat;
    params.layout = NVBUF_LAYOUT_PITCH;
    params.memType = NVBUF_MEM_DEFAULT;
    NvBufSurface* surface = nullptr;
    check(NvBufSurfaceCreate(&surface, 1, &params) == 0, "NvBufSurfaceCreate");
    surface->numFilled = 1;
    return surface;
}

bool are_alike(const NvBufSurfaceParams& one, const NvBufSurfaceParams& other) {
    return one.width == other.width && one.height == other.height && one.colorFormat == other.colorFormat;
}

}  // namespace

Mapping::EglImage::EglImage(NvBufSurface* mapped) : surface(mapped) {
    check(NvBufSurfaceMapEglImage(surface, 0) == 0, "NvBufSurfaceMapEglImage");
}

Mapping::Resource::Resource(EGLImageKHR image) {
    check(cuCtxGetCurrent(&context), "cuCtxGetCurrent");
    check(cuGraphicsEGLRegisterImage(&handle, image, CU_GRAPHICS_MAP_RESOURCE_FLAGS_NONE),
          "cuGraphicsEGLRegisterImage");
}

Mapping::Resource::~Resource() {
    if (cuCtxPushCurrent(context) == CUDA_SUCCESS) {
        cuGraphicsUnregisterResource(handle);
        cuCtxPopCurrent(&context);
    }
}

Mapping::Mapping(NvBufSurface* surface)
    : surface_(surface), image_(surface), resource_(surface->surfaceList[0].mappedAddr.eglImage) {
    check(cuGraphicsResourceGetMappedEglFrame(&planes_, resource_.handle, 0, 0), "cuGraphicsResourceGetMappedEglFrame");
    check(planes_.frameType == CU_EGL_FRAME_TYPE_PITCH && planes_.planeCount == 2,
          "cuGraphicsResourceGetMappedEglFrame");
}

Frame Mapping::frame() const {
    const auto& params = surface_->surfaceList[0];
    const auto plane = [&](int index, std::uint32_t height, std::uint32_t width) {
        // CUDA tells the pitch of the first plane alone.
        return Plane{reinterpret_cast<std::uintptr_t>(planes_.frame.pPitch[index]), height, width,
                     params.planeParams.pitch[index]};
    };
    return {plane(0, params.height, params.width), plane(1, (params.height + 1) / 2, (params.width + 1) / 2 * 2),
            colorimetry_of(params.colorFormat), nullptr};
}

Surfaces::Own::Own(const NvBufSurfaceParams& like) : surface(created(like)), mapping(surface.get()) {}

Frame Surfaces::frame(NvBufSurface* surface, std::shared_ptr<const void> owner) {
    struct Borrowed {
        Borrowed(std::shared_ptr<Surfaces> surfaces, NvBufSurface* mapped, std::shared_ptr<const void> keeper)
            : pool(std::move(surfaces)), sample(std::move(keeper)), mapping(mapped) {
            ++pool->borrowed_;
        }
        ~Borrowed() { --pool->borrowed_; }

        std::shared_ptr<Surfaces> pool;
        std::shared_ptr<const void> sample;
        Mapping mapping;
    };

    const auto& params = surface->surfaceList[0];
    colorimetry_of(params.colorFormat);
    if (params.layout == NVBUF_LAYOUT_PITCH && borrowed_ < kMostBorrowed) {
        const auto borrowed = std::make_shared<Borrowed>(shared_from_this(), surface, std::move(owner));
        auto frame = borrowed->mapping.frame();
        frame.owner = borrowed;
        return frame;
    }
    const auto own = take(params);
    NvBufSurfTransformParams as_it_is{};
    check(NvBufSurfTransform(surface, own->surface.get(), &as_it_is) == NvBufSurfTransformError_Success,
          "NvBufSurfTransform");
    auto frame = own->mapping.frame();
    frame.owner = own;
    return frame;
}

std::shared_ptr<Surfaces::Own> Surfaces::take(const NvBufSurfaceParams& like) {
    std::unique_ptr<Own> own;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = std::find_if(free_.begin(), free_.end(),
                                        [&](const auto& one) { return are_alike(one->surface->surfaceList[0], like); });
        if (found != free_.end()) {
            own = std::move(*found);
            free_.erase(found);
        }
    }
    if (!own) {
        own = std::make_unique<Own>(like);
    }
    return {own.release(), [pool = shared_from_this()](Own* used) { pool->give_back(std::unique_ptr<Own>(used)); }};
}

void Surfaces::give_back(std::unique_ptr<Own> own) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (free_.size() == kMostFree) {
        free_.erase(free_.begin());  // which may be of another size
    }
    free_.push_back(std::move(own));
}

}  // namespace aernet::nvmm
