#pragma once

#include <cstddef>
#include <cstdint>

#include "core/filter.h"
#include "core/host_device.h"
#include "core/image.h"
#include "core/nv12.h"
#include "core/words.h"

namespace aernet {

// Rows of bytes, all within 4 GiB: 64-bit products would take most of the kernel's instructions.
struct Plane {
    const std::uint8_t* data;
    std::uint32_t pitch;

    AERNET_HOST_DEVICE const std::uint8_t* at(int row, int byte) const {
        return data + (static_cast<std::uint32_t>(row) * pitch + static_cast<std::uint32_t>(byte));
    }

    AERNET_HOST_DEVICE Plane from(std::ptrdiff_t byte) const { return {data + byte, pitch}; }
};

template <class Number>
struct PreprocessJob {
    Plane pixels;
    Plane chroma;
    std::ptrdiff_t frame_stride;
    int height;
    int width;
    int size;
    Number* tensor;
    bool red_first;
    bool in_words;  // rows begin at multiples of Column::kBytes
    Filter filter;
    YuvToRgb colours;  // of NV12
};

// `image` is the first of the frames, each `frame_stride` bytes after the one before, pixels without gaps.
template <class Column, class Number>
PreprocessJob<Number> preprocess_job(const Image& image, std::ptrdiff_t frame_stride, int size, Number* tensor) {
    PreprocessJob<Number> job{};
    job.pixels = {image.data, static_cast<std::uint32_t>(image.row_stride)};
    job.chroma = {image.chroma, static_cast<std::uint32_t>(image.chroma_stride)};
    job.frame_stride = frame_stride;
    job.height = static_cast<int>(image.height);
    job.width = static_cast<int>(image.width);
    job.size = size;
    job.tensor = tensor;
    job.red_first = is_red_first(image.format);
    job.in_words = are_multiples(Column::kBytes, image.data, image.row_stride, frame_stride) &&
                   are_multiples(Column::kBytes, image.chroma, image.chroma_stride);
    job.filter = filter_of(image.height, image.width, size);
    job.colours = yuv_to_rgb(image.matrix, image.full_range);
    return job;
}

}  // namespace aernet
