#include "cpu/nv12.h"

#include <cstring>
#include <vector>

#include "cpu/multiversion.h"
#include "cpu/threads.h"

namespace aernet {

namespace {

constexpr std::ptrdiff_t kBytesPerThread = 2 << 20;

}  // namespace

AERNET_MULTIVERSION
void decode_nv12(const std::uint8_t* luma, const std::uint8_t* pairs, std::ptrdiff_t stride, std::ptrdiff_t count,
                 YuvToRgb colours, std::uint32_t* __restrict words) {
    const auto decode = [&](std::ptrdiff_t pixel, const Chroma& chroma) {
        const int level = luma_of(colours, luma[pixel * stride]);
        words[pixel] = static_cast<std::uint32_t>(level_of(level, chroma.blue) | level_of(level, chroma.green) << 8 |
                                                  level_of(level, chroma.red) << 16);
    };
    for (std::ptrdiff_t i = 0; i + 1 < count; i += 2) {
        const Chroma chroma = chroma_of(colours, pairs[i * stride], pairs[(i + 1) * stride]);
        decode(i, chroma);
        decode(i + 1, chroma);
    }
    if (count % 2 != 0) {
        const auto i = count - 1;
        decode(i, chroma_of(colours, pairs[i * stride], pairs[(i + 1) * stride]));
    }
}

void nv12_to_bgr(const Image& image, std::uint8_t* bgr) {
    const auto colours = yuv_to_rgb(image.matrix, image.full_range);
    const auto row_bytes = 3 * image.width;
    split(image.height, image.height * row_bytes, kBytesPerThread, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        std::vector<std::uint32_t> words(static_cast<std::size_t>(image.width));
        for (auto row = begin; row < end; ++row) {
            decode_nv12(image.data + row * image.row_stride, image.chroma + row / 2 * image.chroma_stride,
                        image.pixel_stride, image.width, colours, words.data());
            std::uint8_t* pixel = bgr + row * row_bytes;
            for (const auto& word : words) {
                const std::size_t bytes = &word == &words.back() ? 3 : 4;  // the fourth is written over
                std::memcpy(pixel, &word, bytes);
                pixel += 3;
            }
        }
    });
}

}  // namespace aernet
