#include "core/errors.h"
#include "python/bindings.h"

namespace py = pybind11;

namespace aernet {

py::array array_of(const py::object& value, const py::dtype& dtype, const std::string& what) {
    const auto expected = py::str(dtype).cast<std::string>();
    const auto refusal = [&](const py::object& found) {
        return FrameError(what + ": expected a NumPy array of " + expected + ", found " +
                          py::str(found).cast<std::string>() + "; convert it to " + expected + " first");
    };
    if (!py::isinstance<py::array>(value)) {
        throw refusal(py::type::of(value).attr("__name__"));
    }
    auto array = py::reinterpret_borrow<py::array>(value);
    if (!array.dtype().equal(dtype)) {
        throw refusal(array.dtype());
    }
    return array;
}

std::string shape_text(const py::array& array) {
    std::string text;
    for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) {
        text += (axis == 0 ? "" : " x ") + std::to_string(array.shape(axis));
    }
    return text.empty() ? "a single number" : text;
}

void check_side(std::ptrdiff_t side, const std::string& what) {
    if (side < 1 || side > kLongestSide) {
        throw FrameError(what + ": expected 1 to " + std::to_string(kLongestSide) + " pixels, found " +
                         std::to_string(side));
    }
}

}  // namespace aernet
