#pragma once

#include <cuda_runtime_api.h>

#include "device_frames.h"
#include "overlay.h"

namespace aernet {

// Copies `count` frames, the lesion tinted as Segmentation.overlay() does it, without the outline; a fourth channel
// stays as it is. `pictures` may be the frames themselves (same pitch and stride); else the two may not overlap. Needs
// frames of three or four channels: others give cudaErrorInvalidValue. Returns what the launch returns.
cudaError_t overlay_on_device(const DeviceFrames& frames, const DeviceMasks& masks, int count, const Tint& tint,
                              const DevicePictures& pictures, cudaStream_t stream);

}  // namespace aernet
