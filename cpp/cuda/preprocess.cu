#include "core/preprocess_body.h"
#include "core/preprocess_columns.h"
#include "cuda/launch.h"
#include "cuda/preprocess.h"

namespace aernet {

namespace {

constexpr int kBlocksAtOnce = 4;  // a multiprocessor; to be ready for more would spill registers

template <class Column, class Number>
__global__ void __launch_bounds__(kTileThreads, kBlocksAtOnce) preprocess_kernel(const PreprocessJob<Number> job) {
    __shared__ Tile tile;
    const Grid block{static_cast<int>(blockIdx.x), static_cast<int>(blockIdx.y), static_cast<int>(blockIdx.z)};
    const int thread = static_cast<int>(threadIdx.x);
    plan_tile(job, block, thread, tile);
    __syncthreads();
    const int chunks = chunk_count<Column>(tile);
    PixelSum total{};
    for (int chunk = 0; chunk < chunks; ++chunk) {
        sum_rows<Column>(job, block, chunk, thread, tile);
        __syncthreads();
        sum_columns<Column>(chunk, thread, tile, total);
        __syncthreads();
    }
    write_pixel(job, block, thread, total);
}

template <class Column, class Number>
cudaError_t launch(const Image& image, int count, std::ptrdiff_t frame_stride, int size, Number* tensor,
                   cudaStream_t stream) {
    return launch(preprocess_kernel<Column, Number>, preprocess_grid(count, size), Grid{kTileThreads, 1, 1}, stream,
                  preprocess_job<Column>(image, frame_stride, size, tensor));
}

template <class Number>
cudaError_t preprocess(const Image& image, int count, std::ptrdiff_t frame_stride, int size, Number* tensor,
                       cudaStream_t stream) {
    switch (image.format) {
        case PixelFormat::kBgr:
        case PixelFormat::kRgb:
            return launch<InterleavedColumn<3>>(image, count, frame_stride, size, tensor, stream);
        case PixelFormat::kBgra:
        case PixelFormat::kRgba:
            return launch<InterleavedColumn<4>>(image, count, frame_stride, size, tensor, stream);
        case PixelFormat::kGray:
            return launch<InterleavedColumn<1>>(image, count, frame_stride, size, tensor, stream);
        case PixelFormat::kNv12:
            return launch<Nv12Column>(image, count, frame_stride, size, tensor, stream);
    }
    return cudaErrorInvalidValue;
}

}  // namespace

cudaError_t preprocess_on_device(const Image& image, int count, std::ptrdiff_t frame_stride, int size, void* tensor,
                                 Element element, cudaStream_t stream) {
    if (element == Element::kFloat16) {
        return preprocess(image, count, frame_stride, size, static_cast<Half*>(tensor), stream);
    }
    return preprocess(image, count, frame_stride, size, static_cast<float*>(tensor), stream);
}

}  // namespace aernet
