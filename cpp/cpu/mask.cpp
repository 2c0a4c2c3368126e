#include "cpu/mask.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iomanip>
#include <sstream>
#include <vector>

#include "core/errors.h"
#include "core/filter.h"
#include "cpu/multiversion.h"
#include "cpu/threads.h"

namespace aernet {

namespace {

constexpr std::ptrdiff_t kLanes = 8;
constexpr std::ptrdiff_t kBlock = 8;  // cells that are treated alike, lest the runs of pixels be too short
constexpr std::ptrdiff_t kPixelsPerThread = 3 << 18;
constexpr std::uint8_t kBackground = 0;
constexpr std::uint8_t kMixed = 1;
constexpr std::uint8_t kLesion = 255;

struct Scratch {
    std::vector<float> probabilities;
    std::array<std::ptrdiff_t, 4> planned{};  // sizes that the next three are for
    std::vector<SamplePosition> rows;
    std::vector<float> fractions;        // of each output column: its place in its cell
    std::vector<std::ptrdiff_t> starts;  // of each cell: its first output column; the last entry is their number
    std::vector<std::uint8_t> cells;
    std::vector<float> top;
    std::vector<float> bottom;
};

// Kept from mask to mask.
thread_local Scratch scratch;

// Whether all are within [0, 1]; NaN is not.
AERNET_MULTIVERSION
bool are_probabilities(const float* values, std::ptrdiff_t count) {
    int outside = 0;
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        outside |= static_cast<int>(!(values[i] >= 0.0F)) | static_cast<int>(!(values[i] <= 1.0F));
    }
    return outside == 0;
}

// The map in `scratch.probabilities`, row after row, with its edge once more on each side.
void copy_checked(const Probability& map) {
    auto& probabilities = scratch.probabilities;
    const auto width = map.width + 2;
    probabilities.resize(static_cast<std::size_t>((map.height + 2) * width));
    for (std::ptrdiff_t row = 0; row < map.height; ++row) {
        const std::uint8_t* source = map.data + row * map.row_stride;
        float* target = probabilities.data() + (row + 1) * width;
        if (map.column_stride == sizeof(float)) {
            std::memcpy(target + 1, source, static_cast<std::size_t>(map.width) * sizeof(float));
        } else {
            for (std::ptrdiff_t column = 0; column < map.width; ++column) {
                std::memcpy(target + column + 1, source + column * map.column_stride, sizeof(float));
            }
        }
        target[0] = target[1];
        target[width - 1] = target[width - 2];
        if (!are_probabilities(target, width)) {
            const auto* culprit =
                std::find_if(target + 1, target + width, [](float value) { return !(value >= 0.0F && value <= 1.0F); });
            std::ostringstream message;
            message << std::setprecision(9) << "probability: expected values within [0, 1], found " << *culprit
                    << " at row " << row << ", column " << culprit - target - 1;
            throw FrameError(message.str());
        }
    }
    float* first = probabilities.data();
    float* last = first + (map.height + 1) * width;
    std::copy_n(first + width, width, first);
    std::copy_n(last - width, width, last);
}

// A cell lies between four neighbouring probabilities. Interpolation never leaves their range, so that a cell whose
// four are on one side of the threshold is all lesion or all background.
AERNET_MULTIVERSION
void judge_cells(const float* __restrict top, const float* __restrict bottom, float threshold, std::ptrdiff_t count,
                 std::uint8_t* __restrict cells) {
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const int reached =
            (top[i] >= threshold) + (top[i + 1] >= threshold) + (bottom[i] >= threshold) + (bottom[i + 1] >= threshold);
        cells[i] = reached == 0 ? kBackground : reached == 4 ? kLesion : kMixed;
    }
}

// The output columns of `count` cells, in their places in `target`. Whole vectors are written: what
// one cell leaves in the columns of the next is written over by that one.
AERNET_MULTIVERSION
void interpolate(const float* __restrict source, const std::ptrdiff_t* __restrict starts,
                 const float* __restrict fractions, std::ptrdiff_t count, float* __restrict target) {
    for (std::ptrdiff_t cell = 0; cell < count; ++cell) {
        const float left = source[cell];
        const float step = source[cell + 1] - left;
        for (auto column = starts[cell]; column < starts[cell + 1]; column += kLanes) {
            for (auto lane = column; lane < column + kLanes; ++lane) {
                target[lane] = left + fractions[lane] * step;
            }
        }
    }
}

AERNET_MULTIVERSION
void blend(const float* __restrict top, const float* __restrict bottom, float fraction, float threshold,
           std::ptrdiff_t count, std::uint8_t* __restrict mask) {
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        mask[i] = top[i] + fraction * (bottom[i] - top[i]) >= threshold ? kLesion : kBackground;
    }
}

std::uint8_t common_kind(const std::uint8_t* begin, const std::uint8_t* end) {
    return std::all_of(begin, end, [begin](std::uint8_t kind) { return kind == *begin; }) ? *begin : kMixed;
}

float fraction(const SamplePosition& sample, std::ptrdiff_t output) {
    return static_cast<float>(sample.rest) / static_cast<float>(2 * output);
}

// Finds where the rows and columns of the mask lie between the probabilities, unless the last mask had the same sizes.
void plan(const Probability& map, std::ptrdiff_t height, std::ptrdiff_t width) {
    const std::array<std::ptrdiff_t, 4> sizes{map.height, map.width, height, width};
    if (scratch.planned == sizes) {
        return;
    }
    scratch.planned = {};
    const auto position = [](std::ptrdiff_t index, std::ptrdiff_t input, std::ptrdiff_t output) {
        return sample_position(static_cast<int>(index), static_cast<int>(input), static_cast<int>(output));
    };
    auto& rows = scratch.rows;
    auto& fractions = scratch.fractions;
    auto& starts = scratch.starts;
    rows.clear();
    for (std::ptrdiff_t row = 0; row < height; ++row) {
        rows.push_back(position(row, map.height, height));
    }
    fractions.clear();
    starts.clear();
    for (std::ptrdiff_t column = 0; column < width; ++column) {
        const auto sample = position(column, map.width, width);
        fractions.push_back(fraction(sample, width));
        starts.resize(std::max(starts.size(), static_cast<std::size_t>(sample.upper) + 1), column);
    }
    starts.resize(static_cast<std::size_t>(map.width) + 2, width);
    fractions.resize(static_cast<std::size_t>(width + kLanes));
    scratch.planned = sizes;
}

}  // namespace

void mask_from_probability(const Probability& probability, std::ptrdiff_t height, std::ptrdiff_t width, float threshold,
                           std::uint8_t* mask) {
    copy_checked(probability);
    const float* probabilities = scratch.probabilities.data();
    const auto cell_count = probability.width + 1;  // from an edge's copy to the other's
    plan(probability, height, width);
    const auto& rows = scratch.rows;
    const auto& fractions = scratch.fractions;
    const auto& starts = scratch.starts;

    // All rows of [begin, end) lie between the same two rows of probabilities.
    const auto fill_band = [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        const float* upper = probabilities + rows[static_cast<std::size_t>(begin)].upper * (probability.width + 2);
        const float* lower = upper + probability.width + 2;
        std::uint8_t* cells = scratch.cells.data();
        float* top = scratch.top.data();
        float* bottom = scratch.bottom.data();
        judge_cells(upper, lower, threshold, cell_count, cells);
        const auto kind_of_block = [&](std::ptrdiff_t cell) {
            return common_kind(cells + cell, cells + std::min(cell + kBlock, cell_count));
        };
        for (std::ptrdiff_t cell = 0; cell < cell_count;) {
            const auto kind = kind_of_block(cell);
            auto cell_end = cell + kBlock;
            while (cell_end < cell_count && kind_of_block(cell_end) == kind) {
                cell_end += kBlock;
            }
            cell_end = std::min(cell_end, cell_count);
            const auto left = starts[static_cast<std::size_t>(cell)];
            const auto count = starts[static_cast<std::size_t>(cell_end)] - left;
            if (kind == kMixed) {
                const auto* run = starts.data() + cell;
                interpolate(upper + cell, run, fractions.data(), cell_end - cell, top);
                interpolate(lower + cell, run, fractions.data(), cell_end - cell, bottom);
            }
            for (auto row = begin; row < end; ++row) {
                std::uint8_t* target = mask + row * width + left;
                if (kind == kMixed) {
                    const auto share = fraction(rows[static_cast<std::size_t>(row)], height);
                    blend(top + left, bottom + left, share, threshold, count, target);
                } else {
                    std::memset(target, kind, static_cast<std::size_t>(count));
                }
            }
            cell = cell_end;
        }
    };

    split(height, height * width, kPixelsPerThread, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        scratch.cells.resize(static_cast<std::size_t>(cell_count));
        scratch.top.resize(static_cast<std::size_t>(width + kLanes));
        scratch.bottom.resize(static_cast<std::size_t>(width + kLanes));
        while (begin < end) {
            const auto band_end = std::find_if(
                rows.begin() + begin, rows.begin() + end,
                [&](const SamplePosition& row) { return row.upper != rows[static_cast<std::size_t>(begin)].upper; });
            fill_band(begin, band_end - rows.begin());
            begin = band_end - rows.begin();
        }
    });
}

}  // namespace aernet
