// Runs the kernels on the host: the same bodies over the same grids, one thread after the other.

#include "kernels.h"

#include <cstddef>
#include <vector>

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
void run_mask(const MaskJob<Number>& job, int count) {
    for_each_thread(mask_grid(job, count), kMaskBlock,
                    [&](const Grid& thread) { mask_run(job, thread.x, thread.y, thread.z); });
}

template <int channels>
void run_overlay(const OverlayJob& job, int count) {
    for_each_thread(overlay_grid<channels>(job.pictures, count), kOverlayBlock,
                    [&](const Grid& thread) { overlay_word<channels>(job, thread.x, thread.y, thread.z); });
}

}  // namespace
