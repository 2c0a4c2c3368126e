#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <string>

#include "cpu/preprocess.h"

namespace aernet {

// The longest side of a frame, of the network's input and of a mask.
constexpr std::ptrdiff_t kLongestSide = 16384;

// `value` as an array of `dtype`; FrameError names `what` and the type found.
pybind11::array array_of(const pybind11::object& value, const pybind11::dtype& dtype, const std::string& what);

// "3 x 4 x 5"
std::string shape_text(const pybind11::array& array);

// FrameError unless `side` is within [1, kLongestSide].
void check_side(std::ptrdiff_t side, const std::string& what);

// Whether frames in this order have red first; FrameError unless it is "bgr" or "rgb".
bool is_red_first(const std::string& colour);

// A picture's array, uint8, as preprocess() takes it; FrameError on any other shape.
Frame frame_of(const pybind11::array& array, bool red_first);

void register_device(pybind11::module_& module);  // where CUDA was there at the build
void register_errors(pybind11::module_& module);
void register_mask(pybind11::module_& module);
void register_preprocess(pybind11::module_& module);
void register_threads(pybind11::module_& module);

}  // namespace aernet
