#include "launch_cuda.h"
#include "overlay_cuda.h"
#include "overlay_kernel.h"

namespace aernet {

namespace {

template <int channels>
__global__ void __launch_bounds__(kOverlayBlock.x* kOverlayBlock.y) overlay_kernel(const OverlayJob job) {
    overlay_word<channels>(job, static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x),
                           static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y), static_cast<int>(blockIdx.z));
}

template <int channels>
cudaError_t launch(const OverlayJob& job, int count, cudaStream_t stream) {
    return launch(overlay_kernel<channels>, overlay_grid<channels>(job.frames, count), kOverlayBlock, stream, job);
}

}  // namespace

cudaError_t overlay_on_device(const DeviceFrames& frames, const DeviceMasks& masks, int count, const Tint& tint,
                              const DevicePictures& pictures, cudaStream_t stream) {
    const OverlayJob job = overlay_job(frames, masks, tint, pictures);
    switch (frames.format) {
        case PixelFormat::kBgr:
        case PixelFormat::kRgb:
            return launch<3>(job, count, stream);
        case PixelFormat::kBgra:
        case PixelFormat::kRgba:
            return launch<4>(job, count, stream);
        case PixelFormat::kGray:
        case PixelFormat::kNv12:
            break;
    }
    return cudaErrorInvalidValue;
}

}  // namespace aernet
