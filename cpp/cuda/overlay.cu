#include "core/overlay_body.h"
#include "cuda/launch.h"
#include "cuda/overlay.h"

namespace aernet {

namespace {

template <int channels>
__global__ void __launch_bounds__(kOverlayBlock.x* kOverlayBlock.y) overlay_kernel(const OverlayJob job) {
    overlay_word<channels>(job, static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x),
                           static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y), static_cast<int>(blockIdx.z));
}

template <int channels>
cudaError_t launch(const OverlayJob& job, int count, cudaStream_t stream) {
    return launch(overlay_kernel<channels>, overlay_grid<channels>(job.pictures, count), kOverlayBlock, stream, job);
}

}  // namespace

cudaError_t overlay_on_device(const DevicePictures& pictures, const DeviceMasks& masks, int count, const Tint& tint,
                              cudaStream_t stream) {
    const OverlayJob job = overlay_job(pictures, masks, tint);
    return pictures.channels == 4 ? launch<4>(job, count, stream) : launch<3>(job, count, stream);
}

}  // namespace aernet
