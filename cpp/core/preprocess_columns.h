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

// Four pixels of a row of NV12 and those below them, as blue, green and red.
class Nv12Column {
   public:
    struct Word {
        std::uint32_t luma;
        std::uint32_t chroma;
    };
    static constexpr int kBytes = sizeof(Word::luma);
    static constexpr int kPixelBytes = 1;
    static constexpr int kChannels = 3;
    static constexpr int kLevels = 12;

    template <class Number>
    AERNET_HOST_DEVICE Nv12Column(const PreprocessJob<Number>& job, int frame, int byte)
        : luma_(job.pixels.from(frame * job.frame_stride)),
          chroma_(job.chroma.from(frame * job.frame_stride)),
          byte_(byte),
          count_(job.width - byte) {}

    AERNET_HOST_DEVICE bool is_whole() const { return count_ >= kBytes; }

    template <bool in_words>
    AERNET_HOST_DEVICE Word read(int row) const {
        const std::uint8_t* luma = luma_.at(row, byte_);
        const std::uint8_t* chroma = chroma_.at(row / 2, byte_);
        if (in_words) {
            return {load_word<std::uint32_t>(luma), load_word<std::uint32_t>(chroma)};
        }
        return {load_bytes<std::uint32_t>(luma, count_), load_bytes<std::uint32_t>(chroma, count_ + count_ % 2)};
    }

    // Adds two rows, weighted by the halves of `weights`.
    AERNET_HOST_DEVICE static void add(const Word& a, const Word& b, std::uint32_t weights,
                                       std::uint32_t (&sums)[kLevels]) {
        add(a, weights & 0xffffU, sums);
        add(b, weights >> 16, sums);
    }

   private:
    AERNET_HOST_DEVICE static void add(const Word& word, std::uint32_t weight, std::uint32_t (&sums)[kLevels]) {
        for (int pixel = 0; pixel < 4; ++pixel) {
            const int pair = pixel / 2 * 2;
            const Chroma chroma = chroma_of(byte_of(word.chroma, pair), byte_of(word.chroma, pair + 1));
            const int luma = luma_of(byte_of(word.luma, pixel));
            sums[3 * pixel] += weight * static_cast<std::uint32_t>(level_of(luma, chroma.blue));
            sums[3 * pixel + 1] += weight * static_cast<std::uint32_t>(level_of(luma, chroma.green));
            sums[3 * pixel + 2] += weight * static_cast<std::uint32_t>(level_of(luma, chroma.red));
        }
    }

    Plane luma_;
    Plane chroma_;
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
            Column::add(c, d, both, sums);
        }
        Column::add(a, b, both, sums);
    }
    Column::add(first, last,
                static_cast<std::uint32_t>(rows.last_weight) << 16 | static_cast<std::uint32_t>(rows.first_weight),
                sums);
}

}  // namespace aernet
