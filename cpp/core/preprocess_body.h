#pragma once

#include <cstddef>

#include "core/colour.h"
#include "core/filter.h"
#include "core/grid.h"
#include "core/half.h"
#include "core/host_device.h"
#include "core/preprocess_columns.h"
#include "core/preprocess_job.h"
#include "core/words.h"

namespace aernet {

// A block of threads makes a tile of the tensor, in phases with a barrier after each: plan_tile(); then for each chunk
// of the pixels under the tile sum_rows(), which reads the frame, and sum_columns(); at last write_pixel().
constexpr int kTileColumns = 32;
constexpr int kTileRows = 4;
constexpr int kTileThreads = 256;
constexpr int kTileThreadsPerRow = kTileThreads / kTileRows;
constexpr int kChunkUnit = 8;     // pixels, of whatever format, that begin and end with a word
constexpr int kChunkSums = 1440;  // numbers of one row of a chunk: 480 pixels of three channels

struct Tile {
    FilterTaps rows[kTileRows];
    FilterTaps columns[kTileColumns];
    alignas(16) float sums[kTileRows][kChunkSums];
};

// What one thread has summed up so far of its pixel.
struct PixelSum {
    float channels[3];
};

inline Grid preprocess_grid(int count, int size) {
    return {blocks_for(size, kTileColumns), blocks_for(size, kTileRows), count};
}

// The pixels of a frame's row that a chunk holds; the first is a multiple of kChunkUnit.
struct ChunkPixels {
    int begin;
    int end;
};

template <class Column>
AERNET_HOST_DEVICE ChunkPixels chunk_pixels(const Tile& tile, int chunk) {
    constexpr int length = kChunkSums / Column::kChannels;
    static_assert(length % kChunkUnit == 0, "a chunk begins with a whole word");
    const int begin = (tile.columns[0].first & -kChunkUnit) + chunk * length;
    const int end = tile.columns[kTileColumns - 1].last + 1;
    return {begin, end < begin + length ? end : begin + length};
}

template <class Number>
AERNET_HOST_DEVICE void plan_tile(const PreprocessJob<Number>& job, const Grid& block, int thread, Tile& tile) {
    const auto taps = [&job](int index, int input) {
        return job.filter.taps(index < job.size ? index : job.size - 1, input, job.size);
    };
    if (thread < kTileColumns) {
        tile.columns[thread] = taps(block.x * kTileColumns + thread, job.width);
    } else if (thread < kTileColumns + kTileRows) {
        const int row = thread - kTileColumns;
        tile.rows[row] = taps(block.y * kTileRows + row, job.height);
    }
}

template <class Column>
AERNET_HOST_DEVICE int chunk_count(const Tile& tile) {
    const ChunkPixels first = chunk_pixels<Column>(tile, 0);
    constexpr unsigned length = kChunkSums / Column::kChannels;
    return static_cast<int>((static_cast<unsigned>(tile.columns[kTileColumns - 1].last - first.begin) + length) /
                            length);
}

template <class Column, class Number>
AERNET_HOST_DEVICE void sum_rows(const PreprocessJob<Number>& job, const Grid& block, int chunk, int thread,
                                 Tile& tile) {
    const ChunkPixels pixels = chunk_pixels<Column>(tile, chunk);
    const int end = pixels.end * Column::kPixelBytes;
    const auto row = static_cast<unsigned>(thread) / kTileThreadsPerRow;
    const auto first = static_cast<unsigned>(thread) % kTileThreadsPerRow;
    const FilterTaps rows = tile.rows[row];
    float* target = tile.sums[row] + first * Column::kLevels;
    int byte = pixels.begin * Column::kPixelBytes + static_cast<int>(first) * Column::kBytes;
    AERNET_UNROLL(1)
    for (; byte < end; byte += kTileThreadsPerRow * Column::kBytes) {
        const Column column(job, block.z, byte);
        std::uint32_t sums[Column::kLevels];
        if (job.in_words && column.is_whole()) {
            sum_column<true>(column, rows, sums);
        } else {
            sum_column<false>(column, rows, sums);
        }
        for (int k = 0; k < Column::kLevels; k += 4) {
            const auto sum = [&sums, k](int i) { return static_cast<float>(static_cast<int>(sums[k + i])); };
            store_four(sum(0), sum(1), sum(2), sum(3), target + k);
        }
        target += kTileThreadsPerRow * Column::kLevels;
    }
}

template <int channels>
AERNET_HOST_DEVICE void add_pixel(const float* sums, int column, float weight, PixelSum& sum) {
    for (int channel = 0; channel < 3; ++channel) {
        sum.channels[channel] += weight * sums[column * channels + (channels == 1 ? 0 : channel)];
    }
}

template <class Column>
AERNET_HOST_DEVICE void sum_columns(int chunk, int thread, const Tile& tile, PixelSum& total) {
    if (thread >= kTileRows * kTileColumns) {
        return;
    }
    constexpr int channels = Column::kChannels;
    const ChunkPixels pixels = chunk_pixels<Column>(tile, chunk);
    const FilterTaps columns = tile.columns[static_cast<unsigned>(thread) % kTileColumns];
    const float* sums = tile.sums[static_cast<unsigned>(thread) / kTileColumns];
    const int begin = columns.first + 1 > pixels.begin ? columns.first + 1 : pixels.begin;
    const int end = columns.last < pixels.end ? columns.last : pixels.end;
    PixelSum inner{};
    AERNET_UNROLL(4)
    for (int column = begin; column < end; ++column) {
        add_pixel<channels>(sums, column - pixels.begin, 1.0F, inner);
    }
    for (int channel = 0; channel < 3; ++channel) {
        total.channels[channel] += static_cast<float>(columns.inner_weight) * inner.channels[channel];
    }
    if (columns.first >= pixels.begin && columns.first < pixels.end) {
        add_pixel<channels>(sums, columns.first - pixels.begin, static_cast<float>(columns.first_weight), total);
    }
    if (columns.last >= pixels.begin && columns.last < pixels.end) {
        add_pixel<channels>(sums, columns.last - pixels.begin, static_cast<float>(columns.last_weight), total);
    }
}

template <class Number>
AERNET_HOST_DEVICE void write_pixel(const PreprocessJob<Number>& job, const Grid& block, int thread,
                                    const PixelSum& total) {
    const int row = block.y * kTileRows + static_cast<int>(static_cast<unsigned>(thread) / kTileColumns);
    const int column = block.x * kTileColumns + static_cast<int>(static_cast<unsigned>(thread) % kTileColumns);
    if (thread >= kTileRows * kTileColumns || row >= job.size || column >= job.size) {
        return;
    }
    const float first = total.channels[0] * job.filter.unit;
    const float green = total.channels[1] * job.filter.unit;
    const float third = total.channels[2] * job.filter.unit;
    const Lab lab = lab_from_srgb(job.red_first ? first : third, green, job.red_first ? third : first);
    const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(job.size) * job.size;
    Number* target = job.tensor + 3 * block.z * plane + static_cast<std::ptrdiff_t>(row) * job.size + column;
    store(lab.lightness, target);
    store(lab.a, target + plane);
    store(lab.b, target + 2 * plane);
}

}  // namespace aernet
