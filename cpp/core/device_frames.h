#pragma once

#include <cstddef>
#include <cstdint>

namespace aernet {

// Order of the bytes of a pixel; the fourth of kBgra and kRgba is ignored. kNv12 has a plane of luma and one of
// interleaved chroma (Cb, Cr) with half the rows and columns, rounded up; BT.601, limited range.
enum class PixelFormat { kBgr, kRgb, kBgra, kRgba, kGray, kNv12 };

constexpr bool is_red_first(PixelFormat format) { return format == PixelFormat::kRgb || format == PixelFormat::kRgba; }

// What a frame may take from its first byte to the end of its last row: distances in it are 32 bits.
constexpr std::ptrdiff_t kMostBytes = std::ptrdiff_t{1} << 32;

// Frames of one size in device memory, `frame_stride` bytes apart; `pitch` is the bytes from row to row.
struct DeviceFrames {
    const std::uint8_t* data;
    std::ptrdiff_t height;
    std::ptrdiff_t width;
    std::ptrdiff_t pitch;
    std::ptrdiff_t frame_stride;
    const std::uint8_t* chroma;  // of kNv12 alone, else null; the same `frame_stride`
    std::ptrdiff_t chroma_pitch;
    PixelFormat format;
};

}  // namespace aernet
