#pragma once

#include <cstddef>
#include <cstdint>

namespace aernet {

// A map of 32-bit floats where it lies in memory; strides in bytes, of any sign, aligned or not.
struct Probability {
    const std::uint8_t* data;
    std::ptrdiff_t height;
    std::ptrdiff_t width;
    std::ptrdiff_t row_stride;
    std::ptrdiff_t column_stride;
};

// Bilinear upsampling with half-pixel centres to height x width, then 255 where the result is at least `threshold`,
// else 0. `mask` holds height * width bytes. Throws FrameError on a probability outside [0, 1], NaN too.
void mask_from_probability(const Probability& probability, std::ptrdiff_t height, std::ptrdiff_t width, float threshold,
                           std::uint8_t* mask);

}  // namespace aernet
