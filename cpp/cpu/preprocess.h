#pragma once

#include <cstddef>
#include <cstdint>

namespace aernet {

// A colour frame where it lies in memory: three bytes a pixel, `channel_stride` apart; strides in bytes, of any sign.
struct Frame {
    const std::uint8_t* data;
    std::ptrdiff_t height;
    std::ptrdiff_t width;
    std::ptrdiff_t row_stride;
    std::ptrdiff_t column_stride;
    std::ptrdiff_t channel_stride;
    bool red_first;
};

// Frame -> size x size (area averaging where no side grows, else bilinear) -> CIELAB in [0, 1], three planes.
// `tensor` holds 3 * size * size numbers.
void preprocess(const Frame& frame, std::ptrdiff_t size, float* tensor);

}  // namespace aernet
