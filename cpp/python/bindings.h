#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>

#include "core/image.h"

namespace aernet {

// `value` as an array of `dtype`; FrameError names `what` and the type found.
pybind11::array array_of(const pybind11::object& value, const pybind11::dtype& dtype, const std::string& what);

// "3 x 4 x 5"
std::string shape_text(const pybind11::array& array);

// Whether an object is an `aernet.Nv12Frame`.
bool is_nv12_frame(const pybind11::object& frame);

YuvMatrix yuv_matrix_of(const pybind11::object& nv12_frame);
bool is_full_range(const pybind11::object& nv12_frame);

// The picture that a NumPy array or an `aernet.Nv12Frame` of two holds, as image_of() sees it; FrameError on any other
// type.
Image image_of(const pybind11::object& frame, const std::string& pixel_format);

void register_device(pybind11::module_& module);  // where CUDA was there at the build
void register_errors(pybind11::module_& module);
void register_mask(pybind11::module_& module);
void register_nv12(pybind11::module_& module);
void register_preprocess(pybind11::module_& module);
void register_threads(pybind11::module_& module);

}  // namespace aernet
