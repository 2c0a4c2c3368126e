#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/grid.h"
#include "core/host_device.h"
#include "core/overlay.h"
#include "core/words.h"

namespace aernet {

// A thread tints four bytes of a row, a warp 128 in a run.
constexpr Grid kOverlayBlock{32, 8, 1};

struct OverlayJob {
    DevicePictures pictures;
    DeviceMasks masks;
    Tint tint;
    bool in_words;  // rows begin at multiples of four bytes
};

inline OverlayJob overlay_job(const DevicePictures& pictures, const DeviceMasks& masks, const Tint& tint) {
    return {pictures, masks, tint, are_multiples(kWordBytes, pictures.data, pictures.pitch, pictures.stride)};
}

template <int channels>
Grid overlay_grid(const DevicePictures& pictures, int count) {
    const int words = blocks_for(static_cast<int>(pictures.width) * channels, kWordBytes);
    return {blocks_for(words, kOverlayBlock.x), blocks_for(static_cast<int>(pictures.height), kOverlayBlock.y), count};
}

AERNET_HOST_DEVICE static inline std::uint32_t tinted(int level, int tint, float share) {
    const float value = static_cast<float>(level) * (1.0F - share) + static_cast<float>(tint) * share;
    return static_cast<std::uint32_t>(std::rint(value));
}

// Word `index` of row `row` of picture `picture`.
template <int channels>
AERNET_HOST_DEVICE void overlay_word(const OverlayJob& job, int index, int row, int picture) {
    const int begin = index * kWordBytes;
    const int left = static_cast<int>(job.pictures.width) * channels - begin;
    if (row >= job.pictures.height || left <= 0) {
        return;
    }
    const int count = left < kWordBytes ? left : kWordBytes;
    const std::uint8_t* mask = job.masks.data + picture * job.masks.stride + row * job.masks.pitch;
    const int first = begin / channels;
    const int last = (begin + count - 1) / channels;
    const bool is_first_lesion = mask[first] != 0;
    const bool is_last_lesion = mask[last] != 0;
    if (!is_first_lesion && !is_last_lesion) {
        return;
    }
    const bool whole = job.in_words && count == kWordBytes;
    std::uint8_t* bytes = job.pictures.data + picture * job.pictures.stride + row * job.pictures.pitch + begin;
    const std::uint32_t word = whole ? load_word<std::uint32_t>(bytes) : load_bytes<std::uint32_t>(bytes, count);
    std::uint32_t result = 0;
    for (int i = 0; i < kWordBytes; ++i) {
        const int pixel = (begin + i) / channels;
        const int channel = begin + i - pixel * channels;
        const int level = byte_of(word, i);
        const bool is_lesion = pixel == first ? is_first_lesion : is_last_lesion;
        const int tint = channel == 0 ? job.tint.colour[0] : channel == 1 ? job.tint.colour[1] : job.tint.colour[2];
        const std::uint32_t shown =
            is_lesion && channel < 3 ? tinted(level, tint, job.tint.share) : static_cast<std::uint32_t>(level);
        result |= shown << 8 * i;
    }
    if (whole) {
        store_word(result, bytes);
    } else {
        store_bytes(result, bytes, count);
    }
}

}  // namespace aernet
