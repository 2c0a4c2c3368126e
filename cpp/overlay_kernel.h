#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "device_frames.h"
#include "grid.h"
#include "host_device.h"
#include "overlay.h"
#include "words.h"

namespace aernet {

// A thread tints four bytes of a row, a warp 128 in a run.
constexpr Grid kOverlayBlock{32, 8, 1};

struct OverlayJob {
    DeviceFrames frames;
    DeviceMasks masks;
    DevicePictures pictures;
    std::uint8_t tint[3];  // in the frame's order
    float share;
    bool in_words;  // rows begin at multiples of four bytes
};

inline OverlayJob overlay_job(const DeviceFrames& frames, const DeviceMasks& masks, const Tint& tint,
                              const DevicePictures& pictures) {
    const bool red_first = is_red_first(frames.format);
    const bool in_words = are_multiples(kWordBytes, frames.data, frames.pitch, frames.frame_stride) &&
                          are_multiples(kWordBytes, pictures.data, pictures.pitch, pictures.stride);
    return {frames,     masks,
            pictures,   {red_first ? tint.red : tint.blue, tint.green, red_first ? tint.blue : tint.red},
            tint.share, in_words};
}

template <int channels>
Grid overlay_grid(const DeviceFrames& frames, int count) {
    const int words = blocks_for(static_cast<int>(frames.width) * channels, kWordBytes);
    return {blocks_for(words, kOverlayBlock.x), blocks_for(static_cast<int>(frames.height), kOverlayBlock.y), count};
}

AERNET_HOST_DEVICE static inline std::uint32_t tinted(int level, int tint, float share) {
    const float value = static_cast<float>(level) * (1.0F - share) + static_cast<float>(tint) * share;
    return static_cast<std::uint32_t>(std::rint(value));
}

// Word `index` of row `row` of frame `frame`.
template <int channels>
AERNET_HOST_DEVICE void overlay_word(const OverlayJob& job, int index, int row, int frame) {
    const int begin = index * kWordBytes;
    const int left = static_cast<int>(job.frames.width) * channels - begin;
    if (row >= job.frames.height || left <= 0) {
        return;
    }
    const int count = left < kWordBytes ? left : kWordBytes;
    const std::uint8_t* mask = job.masks.data + frame * job.masks.stride + row * job.masks.pitch;
    const int first = begin / channels;
    const int last = (begin + count - 1) / channels;
    const bool is_first_lesion = mask[first] != 0;
    const bool is_last_lesion = mask[last] != 0;
    if (!is_first_lesion && !is_last_lesion && job.pictures.data == job.frames.data) {
        return;
    }
    const bool whole = job.in_words && count == kWordBytes;
    const std::uint8_t* source = job.frames.data + frame * job.frames.frame_stride + row * job.frames.pitch + begin;
    const std::uint32_t word = whole ? load_word<std::uint32_t>(source) : load_bytes<std::uint32_t>(source, count);
    std::uint32_t result = 0;
    for (int i = 0; i < kWordBytes; ++i) {
        const int pixel = (begin + i) / channels;
        const int channel = begin + i - pixel * channels;
        const int level = byte_of(word, i);
        const bool is_lesion = pixel == first ? is_first_lesion : is_last_lesion;
        const int tint = channel == 0 ? job.tint[0] : channel == 1 ? job.tint[1] : job.tint[2];
        const std::uint32_t shown =
            is_lesion && channel < 3 ? tinted(level, tint, job.share) : static_cast<std::uint32_t>(level);
        result |= shown << 8 * i;
    }
    std::uint8_t* target = job.pictures.data + frame * job.pictures.stride + row * job.pictures.pitch + begin;
    if (whole) {
        store_word(result, target);
    } else {
        store_bytes(result, target, count);
    }
}

}  // namespace aernet
