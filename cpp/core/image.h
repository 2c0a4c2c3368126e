#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aernet {

// The longest side of a frame, of the network's input and of a mask, in pixels.
constexpr std::ptrdiff_t kLongestSide = 16384;

// What an image on a device may take from its first byte to the end of its last row: kernels count it in 32 bits.
constexpr std::ptrdiff_t kMostBytes = std::ptrdiff_t{1} << 32;

// Order of the bytes of a pixel; the fourth of kBgra and kRgba is ignored. kNv12 has a plane of luma and one of
// interleaved chroma (Cb, Cr) with half the rows and columns, rounded up.
enum class PixelFormat { kBgr, kRgb, kBgra, kRgba, kGray, kNv12 };

// How the luma and chroma of kNv12 are weighed: ITU-R BT.601 or BT.709.
enum class YuvMatrix { kBt601, kBt709 };

constexpr bool is_red_first(PixelFormat format) { return format == PixelFormat::kRgb || format == PixelFormat::kRgba; }

// One picture where it lies in memory, on the host or on a device. Height and width are the picture's, in pixels;
// strides are in bytes and of any sign.
struct Image {
    const std::uint8_t* data;
    std::ptrdiff_t height;
    std::ptrdiff_t width;
    std::ptrdiff_t row_stride;
    std::ptrdiff_t pixel_stride;    // of kNv12 also from byte to byte of the chroma
    std::ptrdiff_t channel_stride;  // means nothing where one byte makes a pixel
    const std::uint8_t* chroma;     // of kNv12 alone, else null
    std::ptrdiff_t chroma_stride;   // from row to row
    PixelFormat format;
    YuvMatrix matrix = YuvMatrix::kBt601;  // of kNv12 alone, like the range
    bool full_range = false;               // luma of 0 to 255, not 16 to 235
};

// An array of uint8 with any number of axes, where it lies in memory; strides in bytes.
struct ByteArray {
    const std::uint8_t* data;
    std::vector<std::ptrdiff_t> shape;
    std::vector<std::ptrdiff_t> strides;
};

// "3 x 4 x 5"
std::string shape_text(const std::vector<std::ptrdiff_t>& shape);

// Throws FrameError, which names `what`, unless `side` is within [1, kLongestSide].
void check_side(std::ptrdiff_t side, const std::string& what);

// The picture that an array holds: "bgr" and "rgb" are H x W x 3, H x W x 4, or gray H x W or H x W x 1; "nv12" is
// (H * 3 / 2) x W, the rows of chroma below those of luma. Throws FrameError on any other format or shape.
Image image_of(const ByteArray& array, const std::string& pixel_format);

// The picture that two planes of NV12 hold: luma H x W, chroma ceil(H / 2) x (2 * ceil(W / 2)) or ceil(H / 2) x
// ceil(W / 2) x 2, the bytes of a row without gaps. Throws FrameError on anything else.
Image image_of(const ByteArray& luma, const ByteArray& chroma, YuvMatrix matrix, bool full_range);

}  // namespace aernet
