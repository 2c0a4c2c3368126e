#pragma once

#include <cstddef>
#include <cstdint>

#include "core/filter.h"
#include "core/grid.h"
#include "core/half.h"
#include "core/host_device.h"
#include "core/words.h"

namespace aernet {

// A thread writes a run of so many aligned pixels; a warp 64 x 8 pixels, most of which lie on one side of the border of
// the lesion.
constexpr int kRun = 16;
constexpr Grid kMaskBlock{4, 64, 1};
constexpr int kFewColumns = 8;

template <class Number>
struct MaskJob {
    const Number* probability;
    int size;
    std::uint8_t* mask;
    int height;
    int width;
    std::ptrdiff_t pitch;
    std::ptrdiff_t mask_stride;
    float threshold;
    SamplePosition step;  // from one column of the mask to the next
};

// A row that starts inside a run touches one run more.
template <class Number>
Grid mask_grid(const MaskJob<Number>& job, int count) {
    const bool begin_with_runs = are_multiples(kRun, job.mask, job.pitch, job.mask_stride);
    const int runs = blocks_for(job.width, kRun) + (begin_with_runs ? 0 : 1);
    return {blocks_for(runs, kMaskBlock.x), blocks_for(job.height, kMaskBlock.y), count};
}

template <class Number>
MaskJob<Number> mask_job(const Number* probability, int size, std::uint8_t* mask, std::ptrdiff_t height,
                         std::ptrdiff_t width, std::ptrdiff_t pitch, std::ptrdiff_t mask_stride, float threshold) {
    const int columns = static_cast<int>(width);
    return {probability,
            size,
            mask,
            static_cast<int>(height),
            columns,
            pitch,
            mask_stride,
            threshold,
            {size / columns, 2 * (size % columns)}};
}

// The two rows of probabilities between which a row of the mask lies.
template <class Number>
struct RowPair {
    const Number* top;
    const Number* bottom;
    float fraction;  // of the way from `top` to `bottom`
    int last;        // column

    AERNET_HOST_DEVICE int inside(int column) const { return column < 0 ? 0 : column < last ? column : last; }

    AERNET_HOST_DEVICE float at(int column) const {
        const float value = load(top + inside(column));
        return value + fraction * (load(bottom + inside(column)) - value);
    }
};

template <class Number>
AERNET_HOST_DEVICE RowPair<Number> rows_around(const MaskJob<Number>& job, int row, int index) {
    const SamplePosition position = sample_position(row, job.size, job.height);
    const std::ptrdiff_t size = job.size;
    const Number* map = job.probability + index * size * size;
    const Number* bottom = map + (position.upper < job.size ? position.upper : job.size - 1) * size;
    const Number* top = map + (position.upper > 0 ? position.upper - 1 : 0) * size;
    return {top, bottom, static_cast<float>(position.rest) / static_cast<float>(2 * job.height), job.size - 1};
}

// Interpolation never leaves the range of the probabilities around it, so that where all of columns `first` to `last`
// are on one side of the threshold all pixels between them are. Looks at a few columns only.
template <class Number>
AERNET_HOST_DEVICE bool are_alike(const RowPair<Number>& rows, int first, int last, float threshold, bool& reached) {
    if (last - first >= kFewColumns) {
        return false;
    }
    bool all = true;
    bool any = false;
    for (int column = first; column <= last; ++column) {
        const bool top = load(rows.top + rows.inside(column)) >= threshold;
        const bool bottom = load(rows.bottom + rows.inside(column)) >= threshold;
        all = all && top && bottom;
        any = any || top || bottom;
    }
    reached = all;
    return all || !any;
}

// Run `run` of row `row` of mask `index`.
template <class Number>
AERNET_HOST_DEVICE void mask_run(const MaskJob<Number>& job, int run, int row, int index) {
    if (row >= job.height) {
        return;
    }
    std::uint8_t* line = job.mask + index * job.mask_stride + row * job.pitch;
    const int begin = run * kRun - static_cast<int>(reinterpret_cast<std::uintptr_t>(line) % kRun);
    if (begin >= job.width) {
        return;
    }
    const int first = begin > 0 ? begin : 0;
    const int end = begin + kRun < job.width ? begin + kRun : job.width;
    const RowPair<Number> rows = rows_around(job, row, index);
    SamplePosition position = sample_position(first, job.size, job.width);
    const SamplePosition last = sample_position(end - 1, job.size, job.width);

    std::uint32_t words[kRun / kWordBytes] = {};
    bool reached = false;
    if (are_alike(rows, position.upper - 1, last.upper, job.threshold, reached)) {
        for (std::uint32_t& word : words) {
            word = reached ? ~0U : 0U;
        }
    } else {
        const int unit = 2 * job.width;
        const float scale = 1.0F / static_cast<float>(unit);
        int upper = -1;  // of `left` and `right`
        float left = 0.0F;
        float right = 0.0F;
        AERNET_UNROLL(kRun)
        for (int i = 0; i < kRun; ++i) {
            if (begin + i < 0) {
                continue;
            }
            if (position.upper != upper) {
                upper = position.upper;
                left = rows.at(upper - 1);
                right = rows.at(upper);
            }
            const float value = left + static_cast<float>(position.rest) * scale * (right - left);
            words[i / kWordBytes] |= (value >= job.threshold ? 0xffU : 0U) << 8 * (i % kWordBytes);
            position = {upper + job.step.upper, position.rest + job.step.rest};
            if (position.rest >= unit) {
                position = {position.upper + 1, position.rest - unit};
            }
        }
    }
    if (end - begin == kRun && begin >= 0) {
        store_four_words(words, line + begin);
    } else {
        AERNET_UNROLL(kRun)
        for (int i = 0; i < kRun; ++i) {
            if (begin + i >= 0 && begin + i < job.width) {
                line[begin + i] = static_cast<std::uint8_t>(byte_of(words[i / kWordBytes], i % kWordBytes));
            }
        }
    }
}

}  // namespace aernet
