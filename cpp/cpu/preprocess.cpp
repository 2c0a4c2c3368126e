#include "cpu/preprocess.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/colour.h"
#include "core/filter.h"
#include "core/nv12.h"
#include "cpu/multiversion.h"
#include "cpu/nv12.h"
#include "cpu/threads.h"

namespace aernet {

namespace {

constexpr std::ptrdiff_t kChannels = 3;
constexpr std::ptrdiff_t kBytesPerThread = 2 << 20;
constexpr std::size_t kInnerRows = 4;  // rows summed at once: as many as most frames have between two ends

struct Scratch {
    std::vector<FilterTaps> columns;
    std::vector<std::uint32_t> first_row;
    std::vector<std::uint32_t> last_row;
    std::array<std::vector<std::uint32_t>, kInnerRows> inner_rows;
    std::vector<std::uint8_t> zeros;
    std::vector<float> sums;
    std::vector<float> pixels;
};

// Kept from frame to frame.
thread_local Scratch scratch;

using InnerRows = std::array<const std::uint8_t*, kInnerRows>;

// Reading many rows side by side keeps the memory busy, and the sums are written once.
AERNET_MULTIVERSION
void weigh_rows(const std::uint8_t* first, const std::uint8_t* last, const InnerRows& inner, float first_weight,
                float last_weight, float inner_weight, std::ptrdiff_t count, float* __restrict sums) {
    const auto [a, b, c, d] = inner;
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        sums[i] = first_weight * static_cast<float>(first[i]) + last_weight * static_cast<float>(last[i]) +
                  inner_weight * static_cast<float>(a[i] + b[i] + c[i] + d[i]);
    }
}

AERNET_MULTIVERSION
void add_rows(const InnerRows& inner, float weight, std::ptrdiff_t count, float* __restrict sums) {
    const auto [a, b, c, d] = inner;
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        sums[i] += weight * static_cast<float>(a[i] + b[i] + c[i] + d[i]);
    }
}

AERNET_MULTIVERSION
void convert_row(const float* __restrict red, const float* __restrict green, const float* __restrict blue,
                 std::ptrdiff_t count, float* __restrict lightness, float* __restrict a, float* __restrict b) {
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const Lab lab = lab_from_srgb(red[i], green[i], blue[i]);
        lightness[i] = lab.lightness;
        a[i] = lab.a;
        b[i] = lab.b;
    }
}

// The rows of an image as runs of pixels `step` bytes apart: where they lie if they can be read there, else copied.
class Rows {
   public:
    explicit Rows(const Image& image)
        : image_(image),
          packed_(image.channel_stride == 1 && (image.pixel_stride == 3 || image.pixel_stride == 4)),
          step_(packed_                              ? image.pixel_stride
                : image.format == PixelFormat::kNv12 ? 4
                                                     : kChannels),
          colours_(yuv_to_rgb(image.matrix, image.full_range)) {}

    std::ptrdiff_t step() const { return step_; }

    std::ptrdiff_t bytes() const { return (image_.width - 1) * step_ + kChannels; }

    const std::uint8_t* read(std::ptrdiff_t index, std::vector<std::uint32_t>& copy) const {
        const std::uint8_t* row = image_.data + index * image_.row_stride;
        if (packed_) {
            return row;
        }
        copy.resize(static_cast<std::size_t>(image_.width));
        auto* target = reinterpret_cast<std::uint8_t*>(copy.data());
        if (image_.format == PixelFormat::kNv12) {
            const std::uint8_t* pairs = image_.chroma + index / 2 * image_.chroma_stride;
            decode_nv12(row, pairs, image_.pixel_stride, image_.width, colours_, copy.data());
            return target;
        }
        for (std::ptrdiff_t column = 0; column < image_.width; ++column) {
            const std::uint8_t* pixel = row + column * image_.pixel_stride;
            for (std::ptrdiff_t channel = 0; channel < kChannels; ++channel) {
                target[kChannels * column + channel] = pixel[channel * image_.channel_stride];
            }
        }
        return target;
    }

   private:
    const Image& image_;
    bool packed_;
    std::ptrdiff_t step_;
    YuvToRgb colours_;
};

// The weighted sum of the rows under `taps`, left in `scratch.sums`, one number a byte of the row.
void sum_rows(const Rows& rows, const FilterTaps& taps) {
    const auto bytes = rows.bytes();
    scratch.sums.resize(static_cast<std::size_t>(bytes));
    scratch.zeros.resize(static_cast<std::size_t>(bytes));
    const auto inner_weight = static_cast<float>(taps.inner_weight);
    int next = taps.first + 1;
    const auto read_inner = [&] {
        InnerRows inner;
        for (std::size_t i = 0; i < kInnerRows; ++i, ++next) {
            inner[i] = next < taps.last ? rows.read(next, scratch.inner_rows[i]) : scratch.zeros.data();
        }
        return inner;
    };
    const std::uint8_t* first = rows.read(taps.first, scratch.first_row);
    const std::uint8_t* last = rows.read(taps.last, scratch.last_row);
    weigh_rows(first, last, read_inner(), static_cast<float>(taps.first_weight), static_cast<float>(taps.last_weight),
               inner_weight, bytes, scratch.sums.data());
    while (next < taps.last) {
        add_rows(read_inner(), inner_weight, bytes, scratch.sums.data());
    }
}

// The weighted sums of the pixels under each of `columns`, `step` numbers apart in `sums`, times `unit`; one plane a
// channel.
template <std::ptrdiff_t step>
void reduce(const float* sums, const std::vector<FilterTaps>& columns, float unit,
            const std::array<float*, kChannels>& planes) {
    const auto size = static_cast<std::ptrdiff_t>(columns.size());
    for (std::ptrdiff_t column = 0; column < size; ++column) {
        const FilterTaps& taps = columns[static_cast<std::size_t>(column)];
        const float* pixel = sums + taps.first * step;
        const float* const last = sums + taps.last * step;
        const auto first_weight = static_cast<float>(taps.first_weight);
        const auto inner_weight = static_cast<float>(taps.inner_weight);
        const auto last_weight = static_cast<float>(taps.last_weight);
        std::array<float, kChannels> ends;
        for (std::size_t channel = 0; channel < kChannels; ++channel) {
            ends[channel] = first_weight * pixel[channel] + last_weight * last[channel];
        }
        std::array<float, kChannels> inner{};
        for (pixel += step; pixel < last; pixel += step) {
            for (std::size_t channel = 0; channel < kChannels; ++channel) {
                inner[channel] += pixel[channel];
            }
        }
        for (std::size_t channel = 0; channel < kChannels; ++channel) {
            planes[channel][column] = unit * (ends[channel] + inner_weight * inner[channel]);
        }
    }
}

}  // namespace

void preprocess(const Image& image, std::ptrdiff_t size, float* tensor) {
    const auto filter = filter_of(image.height, image.width, size);
    const auto taps = [&](std::ptrdiff_t index, std::ptrdiff_t input) {
        return filter.taps(static_cast<int>(index), static_cast<int>(input), static_cast<int>(size));
    };
    auto& columns = scratch.columns;
    columns.clear();
    for (std::ptrdiff_t column = 0; column < size; ++column) {
        columns.push_back(taps(column, image.width));
    }

    const bool red_first = is_red_first(image.format);
    const Rows rows(image);
    const auto rows_read = filter.shrinks ? image.height : 2 * size;
    const auto plane = size * size;
    const auto bytes = rows_read * rows.bytes() + kChannels * plane * static_cast<std::ptrdiff_t>(sizeof(float));
    split(size, bytes, kBytesPerThread, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        scratch.pixels.resize(static_cast<std::size_t>(kChannels * size));
        float* red = scratch.pixels.data();
        float* green = red + size;
        float* blue = green + size;
        const std::array<float*, kChannels> planes{red_first ? red : blue, green, red_first ? blue : red};
        for (auto row = begin; row < end; ++row) {
            sum_rows(rows, taps(row, image.height));
            (rows.step() == 3 ? reduce<3> : reduce<4>)(scratch.sums.data(), columns, filter.unit, planes);
            float* lightness = tensor + row * size;
            convert_row(red, green, blue, size, lightness, lightness + plane, lightness + 2 * plane);
        }
    });
}

}  // namespace aernet
