#include <cstdint>

#include "core/errors.h"
#include "python/bindings.h"

namespace py = pybind11;

namespace aernet {

namespace {

ByteArray bytes_of(const py::object& value, const std::string& what) {
    const auto array = array_of(value, py::dtype::of<std::uint8_t>(), what);
    return {static_cast<const std::uint8_t*>(array.data()),
            {array.shape(), array.shape() + array.ndim()},
            {array.strides(), array.strides() + array.ndim()}};
}

}  // namespace

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

std::string shape_text(const py::array& array) { return shape_text({array.shape(), array.shape() + array.ndim()}); }

bool is_nv12_frame(const py::object& frame) {
    return !py::isinstance<py::array>(frame) &&
           py::isinstance(frame, py::module_::import("aernet.nv12").attr("Nv12Frame"));
}

YuvMatrix yuv_matrix_of(const py::object& nv12_frame) {
    const auto name = py::str(nv12_frame.attr("matrix")).cast<std::string>();
    if (name != "bt601" && name != "bt709") {
        throw FrameError("frame: expected the matrix 'bt601' or 'bt709', found '" + name + "'");
    }
    return name == "bt709" ? YuvMatrix::kBt709 : YuvMatrix::kBt601;
}

bool is_full_range(const py::object& nv12_frame) { return py::bool_(nv12_frame.attr("full_range")); }

Image image_of(const py::object& frame, const std::string& pixel_format) {
    if (is_nv12_frame(frame)) {
        return image_of(bytes_of(frame.attr("luma"), "frame luma"), bytes_of(frame.attr("chroma"), "frame chroma"),
                        yuv_matrix_of(frame), is_full_range(frame));
    }
    return image_of(bytes_of(frame, "frame"), pixel_format);
}

}  // namespace aernet
