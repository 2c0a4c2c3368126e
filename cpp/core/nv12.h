#pragma once

#include "core/host_device.h"

namespace aernet {

// What a pair of chroma bytes (Cb, Cr) adds to each channel, BT.601 in OpenCV's 20-bit fixed point, with a half for
// rounding.
struct Chroma {
    int blue;
    int green;
    int red;
};

AERNET_HOST_DEVICE static inline Chroma chroma_of(int cb, int cr) {
    constexpr int half = 1 << 19;
    cb -= 128;
    cr -= 128;
    return {half + 2116026 * cb, half - 409993 * cb - 852492 * cr, half + 1673527 * cr};
}

AERNET_HOST_DEVICE static inline int luma_of(int y) { return 1220542 * (y > 16 ? y - 16 : 0); }

// The channel's byte, 0 to 255.
AERNET_HOST_DEVICE static inline int level_of(int luma, int chroma) {
    const int level = (luma + chroma) >> 20;
    return level < 0 ? 0 : level > 255 ? 255 : level;
}

}  // namespace aernet
