#pragma once

#include <cstdint>

#include "core/filter.h"
#include "core/host_device.h"
#include "core/nv12.h"
#include "core/preprocess_job.h"
#include "core/words.h"

namespace aernet {

// Eight bytes of a row of interleaved pixels and those below them.
template <int channels>
class InterleavedColumn {
   public:
    using Word = WordPair;
    static constexpr int kBytes = sizeof(Word);
    static constexpr int kPixelBytes = channels;
    static constexpr int kChannels = channels;
    static constexpr int kLevels = kBytes;

    template <class Number>
    AERNET_HOST_DEVICE InterleavedColumn(const PreprocessJob<Number>& job, int frame, int byte)
        : pixels_(job.pixels.from(frame * job.frame_stride)), byte_(byte), count_(job.width * channels - byte) {}

    AERNET_HOST_DEVICE bool is_whole() const { return count_ >= kBytes; }

    template <bool in_words>
    AERNET_HOST_DEVICE Word read(int row) const {
        const std::uint8_t* bytes = pixels_.at(row, byte_);
        if (in_words) {
            return load_word<Word>(bytes);
        }
        return {{load_bytes<std::uint32_t>(bytes, count_), load_bytes<std::uint32_t>(bytes + 4, count_ - 4)}};
    }

    // Adds two rows, weighted by the halves of `weights`.
    AERNET_HOST_DEVICE static void add(const Word& a, const Word& b, std::uint32_t weights,
                                       std::uint32_t (&sums)[kLevels]) {
        for (int i = 0; i < kLevels; i += 4) {
            const std::uint32_t lower = interleaved<false>(a.words[i / 4], b.words[i / 4]);
            const std::uint32_t upper = interleaved<true>(a.words[i / 4], b.words[i / 4]);
            sums[i] = add_pair<false>(weights, lower, sums[i]);
            sums[i + 1] = add_pair<true>(weights, lower, sums[i + 1]);
            sums[i + 2] = add_pair<false>(weights, upper, sums[i + 2]);
            sums[i + 3] = add_pair<true>(weights, upper, sums[i + 3]);
        }
    }

   private:
    Plane pixels_;
    int byte_;
    int count_;  // of the row's bytes from there
};

// Four pixels of two rows of NV12, which share their chroma, and those below them, as blue, green and red.
class Nv12Column {
   public:
    static constexpr int kBytes = 4;
    static constexpr int kPixelBytes = 1;
    static constexpr int kChannels = 3;
    static constexpr int kLevels = 12;

    struct Words {
        std::uint32_t upper;
        std::uint32_t lower;
        std::uint32_t chroma;
    };

    template <class Number>
    AERNET_HOST_DEVICE Nv12Column(const PreprocessJob<Number>& job, int frame, int byte)
        : luma_(job.pixels.from(frame * job.frame_stride)),
          chroma_(job.chroma.from(frame * job.frame_stride)),
          colours_(job.colours),
          byte_(byte),
          count_(job.width - byte) {}

    AERNET_HOST_DEVICE bool is_whole() const { return count_ >= kBytes; }

    // Reads the rows 2 * `pair` and the next, where `rows` has them.
    template <bool in_words>
    AERNET_HOST_DEVICE Words read(int pair, const FilterTaps& rows) const {
        const auto word = [](const std::uint8_t* bytes, int count) {
            return in_words ? load_word<std::uint32_t>(bytes) : load_bytes<std::uint32_t>(bytes, count);
        };
        return {2 * pair >= rows.first ? word(luma_.at(2 * pair, byte_), count_) : 0U,
                2 * pair < rows.last ? word(luma_.at(2 * pair + 1, byte_), count_) : 0U,
                word(chroma_.at(pair, byte_), count_ + count_ % 2)};
    }

    // Adds the two rows, weighted by the halves of `weights`.
    AERNET_HOST_DEVICE void add(const Words& words, std::uint32_t weights, std::uint32_t (&sums)[kLevels]) const {
        for (int pixel = 0; pixel < 4; ++pixel) {
            const int pair = pixel / 2 * 2;
            const Chroma chroma = chroma_of(colours_, byte_of(words.chroma, pair), byte_of(words.chroma, pair + 1));
            const int upper = luma_of(colours_, byte_of(words.upper, pixel));
            const int lower = luma_of(colours_, byte_of(words.lower, pixel));
            const int channels[3] = {chroma.blue, chroma.green, chroma.red};
            for (int channel = 0; channel < 3; ++channel) {
                const std::uint32_t levels = byte_pair(unlimited_level_of(upper, channels[channel]),
                                                       unlimited_level_of(lower, channels[channel]));
                sums[3 * pixel + channel] = add_pair<false>(weights, levels, sums[3 * pixel + channel]);
            }
        }
    }

   private:
    Plane luma_;
    Plane chroma_;
    YuvToRgb colours_;
    int byte_;
    int count_;  // of the row's bytes from there
};

// The weighted sum of a column over the rows under one row of the tensor. Reads four rows ahead, for loads to overlap.
template <bool in_words, class Column>
AERNET_HOST_DEVICE void sum_column(const Column& column, const FilterTaps& rows,
                                   std::uint32_t (&sums)[Column::kLevels]) {
    using Word = typename Column::Word;
    const auto read = [&column](int row) { return column.template read<in_words>(row); };
    const Word first = read(rows.first);
    const Word last = read(rows.last);
    for (std::uint32_t& sum : sums) {
        sum = 0;
    }
    const auto weight = static_cast<std::uint32_t>(rows.inner_weight);
    const std::uint32_t both = weight << 16 | weight;
    AERNET_UNROLL(1)
    for (int row = rows.first + 1; row < rows.last; row += 4) {
        const int left = rows.last - row;
        const Word a = read(row);
        const Word b = left > 1 ? read(row + 1) : Word{};
        if (left > 2) {
            const Word c = read(row + 2);
            const Word d = left > 3 ? read(row + 3) : Word{};
            column.add(c, d, both, sums);
        }
        column.add(a, b, both, sums);
    }
    column.add(first, last,
               static_cast<std::uint32_t>(rows.last_weight) << 16 | static_cast<std::uint32_t>(rows.first_weight),
               sums);
}

AERNET_HOST_DEVICE static inline std::uint32_t weight_of(int row, const FilterTaps& rows) {
    const int weight = row == rows.first ? rows.first_weight : row == rows.last ? rows.last_weight : rows.inner_weight;
    return row < rows.first || row > rows.last ? 0U : static_cast<std::uint32_t>(weight);
}

template <bool in_words>
AERNET_HOST_DEVICE void sum_column(const Nv12Column& column, const FilterTaps& rows,
                                   std::uint32_t (&sums)[Nv12Column::kLevels]) {
    for (std::uint32_t& sum : sums) {
        sum = 0;
    }
    const int last = rows.last / 2;
    Nv12Column::Words words = column.read<in_words>(rows.first / 2, rows);
    AERNET_UNROLL(1)
    for (int pair = rows.first / 2; pair <= last; ++pair) {
        const Nv12Column::Words now = words;
        if (pair < last) {
            words = column.read<in_words>(pair + 1, rows);
        }
        column.add(now, weight_of(2 * pair + 1, rows) << 16 | weight_of(2 * pair, rows), sums);
    }
}

}  // namespace aernet
