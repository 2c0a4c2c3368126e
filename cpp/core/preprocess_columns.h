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
    using Word = std::uint64_t;
    static constexpr int kBytes = sizeof(Word);
    static constexpr int kChannels = channels;
    static constexpr int kLevels = kBytes;
    static constexpr int kRowsAtOnce = 4;

    template <class Number>
    AERNET_HOST_DEVICE InterleavedColumn(const PreprocessJob<Number>& job, int frame, int index)
        : pixels_(job.pixels.from(frame * job.frame_stride + index * kBytes)),
          count_(job.width * channels - index * kBytes) {}

    AERNET_HOST_DEVICE bool is_whole() const { return count_ >= kBytes; }

    template <bool in_words>
    AERNET_HOST_DEVICE Word read(int row) const {
        const std::uint8_t* bytes = pixels_.row(row);
        return in_words ? load_word<Word>(bytes) : load_bytes<Word>(bytes, count_);
    }

    AERNET_HOST_DEVICE static void add(Word word, int weight, int (&sums)[kLevels]) {
        for (int i = 0; i < kLevels; ++i) {
            sums[i] += weight * byte_of(word, i);
        }
    }

    // Adds the first `count` of `words`, all of one weight; the others are 0. Sums four bytes at a time.
    AERNET_HOST_DEVICE static void add(const Word (&words)[kRowsAtOnce], int, int weight, int (&sums)[kLevels]) {
        constexpr Word even_bytes = 0x00ff00ff00ff00ffU;
        Word even = 0;
        Word odd = 0;
        for (int i = 0; i < kRowsAtOnce; ++i) {
            even += words[i] & even_bytes;
            odd += words[i] >> 8 & even_bytes;
        }
        for (int i = 0; i < kLevels; i += 2) {
            sums[i] += weight * static_cast<int>(even >> 8 * i & 0xffffU);
            sums[i + 1] += weight * static_cast<int>(odd >> 8 * i & 0xffffU);
        }
    }

   private:
    Plane pixels_;
    int count_;
};

// Four pixels of a row of NV12 and those below them, as blue, green and red.
class Nv12Column {
   public:
    struct Word {
        std::uint32_t luma;
        std::uint32_t chroma;
    };
    static constexpr int kBytes = sizeof(Word::luma);
    static constexpr int kChannels = 3;
    static constexpr int kLevels = 12;
    static constexpr int kRowsAtOnce = 2;

    template <class Number>
    AERNET_HOST_DEVICE Nv12Column(const PreprocessJob<Number>& job, int frame, int index)
        : luma_(job.pixels.from(frame * job.frame_stride + index * kBytes)),
          chroma_(job.chroma.from(frame * job.frame_stride + index * kBytes)),
          colours_(job.colours),
          count_(job.width - index * kBytes) {}

    AERNET_HOST_DEVICE bool is_whole() const { return count_ >= kBytes; }

    template <bool in_words>
    AERNET_HOST_DEVICE Word read(int row) const {
        const std::uint8_t* luma = luma_.row(row);
        const std::uint8_t* chroma = chroma_.row(row / 2);
        if (in_words) {
            return {load_word<std::uint32_t>(luma), load_word<std::uint32_t>(chroma)};
        }
        return {load_bytes<std::uint32_t>(luma, count_), load_bytes<std::uint32_t>(chroma, count_ + count_ % 2)};
    }

    AERNET_HOST_DEVICE void add(const Word& word, int weight, int (&sums)[kLevels]) const {
        for (int pixel = 0; pixel < 4; ++pixel) {
            const int pair = pixel / 2 * 2;
            const Chroma chroma = chroma_of(colours_, byte_of(word.chroma, pair), byte_of(word.chroma, pair + 1));
            const int luma = luma_of(colours_, byte_of(word.luma, pixel));
            sums[3 * pixel] += weight * level_of(luma, chroma.blue);
            sums[3 * pixel + 1] += weight * level_of(luma, chroma.green);
            sums[3 * pixel + 2] += weight * level_of(luma, chroma.red);
        }
    }

    AERNET_HOST_DEVICE void add(const Word (&words)[kRowsAtOnce], int count, int weight, int (&sums)[kLevels]) const {
        for (int i = 0; i < kRowsAtOnce; ++i) {
            if (i < count) {
                add(words[i], weight, sums);
            }
        }
    }

   private:
    Plane luma_;
    Plane chroma_;
    YuvToRgb colours_;
    int count_;
};

// The weighted sum of a column over the rows under one row of the tensor. Reads ahead, for loads to overlap.
template <bool in_words, class Column>
AERNET_HOST_DEVICE void sum_column(const Column& column, const FilterTaps& rows, int (&sums)[Column::kLevels]) {
    using Word = typename Column::Word;
    const Word first = column.template read<in_words>(rows.first);
    const Word last = column.template read<in_words>(rows.last);
    for (int& sum : sums) {
        sum = 0;
    }
    AERNET_UNROLL(1)
    for (int row = rows.first + 1; row < rows.last; row += Column::kRowsAtOnce) {
        Word inner[Column::kRowsAtOnce];
        for (int i = 0; i < Column::kRowsAtOnce; ++i) {
            inner[i] = row + i < rows.last ? column.template read<in_words>(row + i) : Word{};
        }
        column.add(inner, rows.last - row, rows.inner_weight, sums);
    }
    AERNET_UNROLL(1)  // one after the other takes fewer registers
    for (int end = 0; end < 2; ++end) {
        column.add(end == 0 ? first : last, end == 0 ? rows.first_weight : rows.last_weight, sums);
    }
}

}  // namespace aernet
