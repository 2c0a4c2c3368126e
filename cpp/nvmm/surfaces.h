#pragma once

#include <cuda.h>
// Types of EGL.
#include <cudaEGL.h>
#include <nvbufsurface.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "nvmm/capture.h"

namespace aernet::nvmm {

// Calls the function on what it holds, when it lets go of that.
template <auto function>
struct By {
    template <class Object>
    void operator()(Object* object) const {
        function(object);
    }
};

// While it lives, CUDA reads the first picture of a surface.
class Mapping {
   public:
    explicit Mapping(NvBufSurface* surface);

    // The two planes of NV12.
    Frame frame() const;

   private:
    struct EglImage {
        explicit EglImage(NvBufSurface* mapped);
        ~EglImage() { NvBufSurfaceUnMapEglImage(surface, 0); }
        EglImage(const EglImage&) = delete;
        EglImage& operator=(const EglImage&) = delete;

        NvBufSurface* surface;
    };
    struct Resource {
        explicit Resource(EGLImageKHR image);
        ~Resource();
        Resource(const Resource&) = delete;
        Resource& operator=(const Resource&) = delete;

        CUcontext context = nullptr;
        CUgraphicsResource handle = nullptr;
    };

    NvBufSurface* surface_;
    EglImage image_;
    Resource resource_;
    CUeglFrame planes_{};
};

// The surfaces that frames lie in: those of the pipeline, and our own.
class Surfaces : public std::enable_shared_from_this<Surfaces> {
   public:
    // The frame of a surface that `owner` keeps: where it lies, or, if the GPU cannot read it there or too many frames
    // are out for the pipeline to go on, in a surface of ours, to which the Jetson's image processor copies it.
    Frame frame(NvBufSurface* surface, std::shared_ptr<const void> owner);

   private:
    struct Own {
        explicit Own(const NvBufSurfaceParams& like);

        std::unique_ptr<NvBufSurface, By<NvBufSurfaceDestroy>> surface;
        Mapping mapping;
    };

    std::shared_ptr<Own> take(const NvBufSurfaceParams& like);
    void give_back(std::unique_ptr<Own> own);

    std::atomic<int> borrowed_{0};  // of the pipeline
    std::mutex mutex_;
    std::vector<std::unique_ptr<Own>> free_;
};

}  // namespace aernet::nvmm
