#pragma once

#include <cuda_runtime_api.h>

#include "core/overlay.h"

namespace aernet {

// Tints the lesion in `count` pictures as Segmentation.overlay() does it, without the outline; a fourth channel stays
// as it is. Sides of 1 to 16384. Returns what the launch returns.
cudaError_t overlay_on_device(const DevicePictures& pictures, const DeviceMasks& masks, int count, const Tint& tint,
                              cudaStream_t stream);

}  // namespace aernet
