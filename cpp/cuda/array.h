#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "cuda/device.h"

namespace aernet {

// A picture or a mask in device memory: `channels` bytes a pixel, `pitch` bytes from row to row.
struct DeviceArray {
    std::shared_ptr<const Device> device;
    std::uint8_t* data;
    std::ptrdiff_t height;
    std::ptrdiff_t width;
    std::ptrdiff_t channels;  // 0 for one without an axis of its own
    std::ptrdiff_t pitch;
    std::shared_ptr<const void> owner;
    std::shared_ptr<const Event> ready;  // the end of what writes it; null: it is written
};

}  // namespace aernet
