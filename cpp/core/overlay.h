#pragma once

#include <cstddef>
#include <cstdint>

namespace aernet {

// A colour in the order of a picture's channels, and how much of it a tinted pixel takes, 0 to 1.
struct Tint {
    std::uint8_t colour[3];
    float share;
};

// Masks in device memory, not 0 on the lesion: `pitch` bytes from row to row, `stride` from mask to mask.
struct DeviceMasks {
    const std::uint8_t* data;
    std::ptrdiff_t pitch;
    std::ptrdiff_t stride;
};

// Pictures of one size in device memory, to be written: three or four channels, laid out likewise.
struct DevicePictures {
    std::uint8_t* data;
    std::ptrdiff_t height;
    std::ptrdiff_t width;
    std::ptrdiff_t channels;
    std::ptrdiff_t pitch;
    std::ptrdiff_t stride;
};

}  // namespace aernet
