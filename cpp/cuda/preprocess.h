#pragma once

#include <cuda_runtime_api.h>

#include "core/device_frames.h"
#include "core/element.h"

namespace aernet {

// `count` frames -> the network's input, as preprocess() makes it of one: `tensor` takes count x 3 x size x size
// numbers in device memory, without gaps. Sides and `size` of 1 to 16384, a frame within 4 GiB. Quickest where rows
// begin at multiples of eight bytes (four for kNv12). Returns what the launch returns.
cudaError_t preprocess_on_device(const DeviceFrames& frames, int count, int size, void* tensor, Element element,
                                 cudaStream_t stream);

}  // namespace aernet
