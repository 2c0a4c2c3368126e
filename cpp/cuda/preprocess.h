#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "core/element.h"
#include "core/image.h"

namespace aernet {

// `count` frames, `image` the first and each `frame_stride` bytes after the one before, -> the network's input, as
// preprocess() makes it of one: `tensor` takes count x 3 x size x size numbers in device memory, without gaps. Pixels
// without gaps and rows in order, `size` of 1 to 16384, a frame within kMostBytes. Quickest where rows begin at
// multiples of eight bytes (four for kNv12). Returns what the launch returns.
cudaError_t preprocess_on_device(const Image& image, int count, std::ptrdiff_t frame_stride, int size, void* tensor,
                                 Element element, cudaStream_t stream);

}  // namespace aernet
