#pragma once

#include "core/host_device.h"
#include "core/image.h"

namespace aernet {

// The conversion of luma and chroma to blue, green and red, in 20-bit fixed point.
struct YuvToRgb {
    int black;  // the luma of black; what is darker counts as black
    int luma;
    int blue_of_cb;
    int green_of_cb;
    int green_of_cr;
    int red_of_cr;
};

// As ITU-R BT.601-7 and BT.709-6 define it, but for BT.601 in limited range, where the coefficients are OpenCV's.
inline YuvToRgb yuv_to_rgb(YuvMatrix matrix, bool full_range) {
    if (matrix == YuvMatrix::kBt601 && !full_range) {
        return {16, 1220542, 2116026, -409993, -852492, 1673527};
    }
    const double red = matrix == YuvMatrix::kBt601 ? 0.299 : 0.2126;  // parts of the luma
    const double blue = matrix == YuvMatrix::kBt601 ? 0.114 : 0.0722;
    const double green = 1 - red - blue;
    const double unit = 1 << 20;
    const double luma = full_range ? unit : unit * 255 / 219;
    const double chroma = full_range ? unit : unit * 255 / 224;
    const auto rounded = [](double value) { return static_cast<int>(value < 0 ? value - 0.5 : value + 0.5); };
    return {full_range ? 0 : 16,
            rounded(luma),
            rounded(chroma * 2 * (1 - blue)),
            rounded(chroma * -2 * (1 - blue) * blue / green),
            rounded(chroma * -2 * (1 - red) * red / green),
            rounded(chroma * 2 * (1 - red))};
}

// What a pair of chroma bytes (Cb, Cr) adds to each channel, less the luma of black, with a half for rounding.
struct Chroma {
    int blue;
    int green;
    int red;
};

AERNET_HOST_DEVICE static inline Chroma chroma_of(const YuvToRgb& colours, int cb, int cr) {
    const int base = (1 << 19) - colours.luma * colours.black;
    const int green = base - 128 * (colours.green_of_cb + colours.green_of_cr);
    return {base - 128 * colours.blue_of_cb + colours.blue_of_cb * cb,
            green + colours.green_of_cb * cb + colours.green_of_cr * cr,
            base - 128 * colours.red_of_cr + colours.red_of_cr * cr};
}

// What luma adds to every channel.
AERNET_HOST_DEVICE static inline int luma_of(const YuvToRgb& colours, int y) {
    return colours.luma * (y > colours.black ? y : colours.black);
}

// The channel's level, yet to be limited to 0 to 255.
AERNET_HOST_DEVICE static inline int unlimited_level_of(int luma, int chroma) { return (luma + chroma) >> 20; }

// The channel's byte, 0 to 255.
AERNET_HOST_DEVICE static inline int level_of(int luma, int chroma) {
    const int level = unlimited_level_of(luma, chroma);
    return level < 0 ? 0 : level > 255 ? 255 : level;
}

}  // namespace aernet
