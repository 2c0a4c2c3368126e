#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/image.h"
#include "cuda/array.h"
#include "cuda/device.h"

namespace aernet {

inline std::uintptr_t address_of(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

// Keeps a Python object; any thread may let go of it.
std::shared_ptr<const void> keep(const pybind11::object& object);

// Another library's array, which is not copied. Throws FrameError unless it is a picture in the device's memory.
std::shared_ptr<DeviceArray> wrap(const std::shared_ptr<const Device>& device, const pybind11::object& picture);

// Of an array, the strides in bytes.
std::vector<std::ptrdiff_t> shape_of(const DeviceArray& array);
std::vector<std::ptrdiff_t> strides_of(const DeviceArray& array);

// The picture that an array holds, as image_of() sees it.
Image image_of(const DeviceArray& array, const std::string& pixel_format);

// The picture that two planes of NV12 hold, as image_of() sees it.
Image image_of(const DeviceArray& luma, const DeviceArray& chroma, YuvMatrix matrix, bool full_range);

void register_device_array(pybind11::module_& module);
void register_lane(pybind11::module_& module);

}  // namespace aernet
