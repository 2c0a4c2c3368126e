// Runs the kernels on the host: the same bodies over the same grids, one thread after the other.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/element.h"
#include "core/half.h"
#include "core/image.h"
#include "core/mask_body.h"
#include "core/overlay_body.h"
#include "core/preprocess_body.h"
#include "core/preprocess_columns.h"

using namespace aernet;

namespace {

template <class Body>
void for_each_block(const Grid& grid, const Body& body) {
    for (int z = 0; z < grid.z; ++z) {
        for (int y = 0; y < grid.y; ++y) {
            for (int x = 0; x < grid.x; ++x) {
                body(Grid{x, y, z});
            }
        }
    }
}

// For kernels whose threads do not meet.
template <class Body>
void for_each_thread(const Grid& grid, const Grid& block, const Body& body) {
    for_each_block({grid.x * block.x, grid.y * block.y, grid.z * block.z}, body);
}

template <class Body>
void for_each_thread_of_a_tile(const Body& body) {
    for (int thread = 0; thread < kTileThreads; ++thread) {
        body(thread);
    }
}

template <class Column, class Number>
void run_preprocess(const Image& image, int count, std::ptrdiff_t frame_stride, int size, Number* tensor) {
    const auto job = preprocess_job<Column>(image, frame_stride, size, tensor);
    for_each_block(preprocess_grid(count, size), [&](const Grid& block) {
        Tile tile;
        std::vector<PixelSum> totals(kTileThreads, PixelSum{});
        for_each_thread_of_a_tile([&](int thread) { plan_tile(job, block, thread, tile); });
        const int chunks = chunk_count<Column>(tile);
        for (int chunk = 0; chunk < chunks; ++chunk) {
            for_each_thread_of_a_tile([&](int thread) { sum_rows<Column>(job, block, chunk, thread, tile); });
            for_each_thread_of_a_tile([&](int thread) {
                sum_columns<Column>(chunk, thread, tile, totals[static_cast<std::size_t>(thread)]);
            });
        }
        for_each_thread_of_a_tile(
            [&](int thread) { write_pixel(job, block, thread, totals[static_cast<std::size_t>(thread)]); });
    });
}

template <class Number>
void run_preprocess(const Image& image, int count, std::ptrdiff_t frame_stride, int size, Number* tensor) {
    switch (image.format) {
        case PixelFormat::kBgr:
        case PixelFormat::kRgb:
            return run_preprocess<InterleavedColumn<3>>(image, count, frame_stride, size, tensor);
        case PixelFormat::kBgra:
        case PixelFormat::kRgba:
            return run_preprocess<InterleavedColumn<4>>(image, count, frame_stride, size, tensor);
        case PixelFormat::kGray:
            return run_preprocess<InterleavedColumn<1>>(image, count, frame_stride, size, tensor);
        case PixelFormat::kNv12:
            return run_preprocess<Nv12Column>(image, count, frame_stride, size, tensor);
    }
}

template <class Number>
void run_mask(const Number* probability, int count, int size, std::uint8_t* mask, std::ptrdiff_t height,
              std::ptrdiff_t width, std::ptrdiff_t pitch, std::ptrdiff_t mask_stride, float threshold) {
    const auto job = mask_job(probability, size, mask, height, width, pitch, mask_stride, threshold);
    for_each_thread(mask_grid(job, count), kMaskBlock,
                    [&](const Grid& thread) { mask_run(job, thread.x, thread.y, thread.z); });
}

template <int channels>
void run_overlay(const OverlayJob& job, int count) {
    for_each_thread(overlay_grid<channels>(job.pictures, count), kOverlayBlock,
                    [&](const Grid& thread) { overlay_word<channels>(job, thread.x, thread.y, thread.z); });
}

}  // namespace

extern "C" {

void preprocess(const Image* image, int count, std::ptrdiff_t frame_stride, int size, void* tensor, Element element) {
    if (element == Element::kFloat16) {
        run_preprocess(*image, count, frame_stride, size, static_cast<Half*>(tensor));
    } else {
        run_preprocess(*image, count, frame_stride, size, static_cast<float*>(tensor));
    }
}

void mask(const void* probability, Element element, int count, int size, std::uint8_t* mask, std::ptrdiff_t height,
          std::ptrdiff_t width, std::ptrdiff_t pitch, std::ptrdiff_t mask_stride, float threshold) {
    if (element == Element::kFloat16) {
        run_mask(static_cast<const Half*>(probability), count, size, mask, height, width, pitch, mask_stride,
                 threshold);
    } else {
        run_mask(static_cast<const float*>(probability), count, size, mask, height, width, pitch, mask_stride,
                 threshold);
    }
}

void overlay(const DevicePictures* pictures, const DeviceMasks* masks, int count, const Tint* tint) {
    const OverlayJob job = overlay_job(*pictures, *masks, *tint);
    if (pictures->channels == 4) {
        run_overlay<4>(job, count);
    } else {
        run_overlay<3>(job, count);
    }
}

float half_and_back(float value) {
    Half half;
    store(value, &half);
    return load(&half);
}
}
