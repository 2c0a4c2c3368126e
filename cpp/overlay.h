#pragma once

#include <cstddef>
#include <cstdint>

namespace aernet {

// A colour and how much of it a tinted pixel takes, 0 to 1.
struct Tint {
    std::uint8_t blue;
    std::uint8_t green;
    std::uint8_t red;
    float share;
};

// Masks in device memory, not 0 on the lesion: `pitch` bytes from row to row, `stride` from mask to mask.
struct DeviceMasks {
    const std::uint8_t* data;
    std::ptrdiff_t pitch;
    std::ptrdiff_t stride;
};

// Where frames of one size and format are written in device memory, laid out likewise.
struct DevicePictures {
    std::uint8_t* data;
    std::ptrdiff_t pitch;
    std::ptrdiff_t stride;
};

}  // namespace aernet
