#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "core/element.h"

namespace aernet {

// `count` probability maps of size x size, without gaps, -> as many masks of height x width, as mask_from_probability()
// makes them; all in device memory. `pitch` is the bytes from row to row, `mask_stride` from mask to mask. Sides and
// `size` of 1 to 16384. NaN is background. Returns what the launch returns.
cudaError_t mask_on_device(const void* probability, Element element, int count, int size, std::uint8_t* mask,
                           std::ptrdiff_t height, std::ptrdiff_t width, std::ptrdiff_t pitch,
                           std::ptrdiff_t mask_stride, float threshold, cudaStream_t stream);

}  // namespace aernet
