#pragma once

#include <cstddef>
#include <cstdint>

#include "core/image.h"
#include "core/nv12.h"

namespace aernet {

// A row of NV12, its bytes `stride` apart, as four bytes a pixel: blue, green, red and 0. Whole words are quicker to
// write than three bytes.
void decode_nv12(const std::uint8_t* luma, const std::uint8_t* pairs, std::ptrdiff_t stride, std::ptrdiff_t count,
                 YuvToRgb colours, std::uint32_t* words);

// An image of kNv12 -> `bgr`, height * width * 3 bytes.
void nv12_to_bgr(const Image& image, std::uint8_t* bgr);

}  // namespace aernet
