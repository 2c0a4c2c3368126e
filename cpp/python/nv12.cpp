#include "cpu/nv12.h"

#include <cstdint>

#include "python/bindings.h"

namespace py = pybind11;

namespace aernet {

namespace {

Image planes_of(const py::object& frame) { return image_of(frame, "nv12"); }

py::array_t<std::uint8_t> to_bgr(const py::object& frame) {
    const auto image = planes_of(frame);
    py::array_t<std::uint8_t> bgr({image.height, image.width, std::ptrdiff_t{3}});
    std::uint8_t* pixels = bgr.mutable_data();
    {
        const py::gil_scoped_release released;
        nv12_to_bgr(image, pixels);
    }
    return bgr;
}

}  // namespace

void register_nv12(py::module_& module) {
    module.def(
        "check_nv12", [](const py::object& frame) { planes_of(frame); }, py::arg("frame"),
        "Raise FrameError unless an `Nv12Frame` of NumPy arrays is as its class says.");
    module.def("nv12_to_bgr", &to_bgr, py::arg("frame"), R"(Convert NV12 to BGR.

Args:
    frame: an `Nv12Frame` of NumPy arrays.

Returns:
    uint8, H x W x 3.

Raises:
    FrameError: the frame is not as its class says.
)");
}

}  // namespace aernet
