#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "core/image.h"
#include "cuda/array.h"
#include "cuda/device.h"

namespace aernet {

// Another library's array, which is not copied. Throws FrameError unless it is a picture in the device's memory.
std::shared_ptr<DeviceArray> wrap(const std::shared_ptr<const Device>& device, const pybind11::object& picture);

// The picture that an array holds, as image_of() sees it.
Image image_of(const DeviceArray& array, const std::string& pixel_format);

void register_device_array(pybind11::module_& module);

}  // namespace aernet
