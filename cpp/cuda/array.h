#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/overlay.h"
#include "cuda/device.h"
#include "cuda/memory.h"

namespace aernet {

// A picture or a mask in device memory: `channels` bytes a pixel, `pitch` bytes from row to row. It lies in a block of
// ours, or it is another library's.
struct DeviceArray {
    std::shared_ptr<const Device> device;
    std::uint8_t* data;
    std::ptrdiff_t height;
    std::ptrdiff_t width;
    std::ptrdiff_t channels;  // 0 for one without an axis of its own
    std::ptrdiff_t pitch;
    std::shared_ptr<const Event> ready;    // the end of what writes it
    std::shared_ptr<StreamMemory> memory;  // where it was made; null for another library's
    std::shared_ptr<Block> block;          // likewise
    std::shared_ptr<const void> owner;     // of another library; null for ours
};

inline std::ptrdiff_t row_bytes(const DeviceArray& array) {
    return array.width * (array.channels == 0 ? 1 : array.channels);
}

// One of ours, without gaps, in page-locked memory: a copy, or the array itself where the host reaches it. Waits.
std::shared_ptr<Block> to_page_locked(const DeviceArray& array);

// Another library's, without gaps, into ordinary memory. Waits.
void copy_to_host(const DeviceArray& array, std::uint8_t* target);

// Tints a picture, three or four channels, where a mask of its size is not 0. Waits.
void tint(const DeviceArray& mask, const DeviceArray& picture, const Tint& how);

}  // namespace aernet
