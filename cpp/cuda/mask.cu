#include <type_traits>

#include "core/mask_body.h"
#include "cuda/launch.h"
#include "cuda/mask.h"

namespace aernet {

namespace {

template <class Number>
__global__ void __launch_bounds__(kMaskBlock.x* kMaskBlock.y) mask_kernel(const MaskJob<Number> job) {
    mask_run(job, static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x),
             static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y), static_cast<int>(blockIdx.z));
}

}  // namespace

cudaError_t mask_on_device(const void* probability, Element element, int count, int size, std::uint8_t* mask,
                           std::ptrdiff_t height, std::ptrdiff_t width, std::ptrdiff_t pitch,
                           std::ptrdiff_t mask_stride, float threshold, cudaStream_t stream) {
    const auto fill = [&](const auto* numbers) {
        const auto job = mask_job(numbers, size, mask, height, width, pitch, mask_stride, threshold);
        return launch(mask_kernel<std::remove_cv_t<std::remove_pointer_t<decltype(numbers)>>>, mask_grid(job, count),
                      kMaskBlock, stream, job);
    };
    return element == Element::kFloat16 ? fill(static_cast<const Half*>(probability))
                                        : fill(static_cast<const float*>(probability));
}

}  // namespace aernet
