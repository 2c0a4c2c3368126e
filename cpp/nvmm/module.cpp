#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nvmm/capture.h"

namespace py = pybind11;

namespace aernet::nvmm {

namespace {

// A plane for other libraries, which keeps its frame.
struct Array {
    Plane plane;
    std::shared_ptr<const void> owner;
};

py::dict array_interface(const Array& array) {
    using py::literals::operator""_a;
    const auto& plane = array.plane;
    return py::dict("shape"_a = py::make_tuple(plane.height, plane.width), "strides"_a = py::make_tuple(plane.pitch, 1),
                    "typestr"_a = "|u1", "data"_a = py::make_tuple(plane.address, false), "version"_a = 3,
                    "stream"_a = py::none());
}

std::optional<py::tuple> pull(Capture& capture, double seconds) {
    auto frame = [&] {
        const py::gil_scoped_release released;
        return capture.pull(seconds);
    }();
    if (!frame) {
        return std::nullopt;
    }
    return py::make_tuple(Array{frame->luma, frame->owner}, Array{frame->chroma, frame->owner}, frame->colorimetry);
}

}  // namespace

}  // namespace aernet::nvmm

PYBIND11_MODULE(_nvmm, module, py::mod_gil_not_used()) {
    using namespace aernet::nvmm;
    module.doc() = "Frames of a GStreamer pipeline in memory:NVMM, where a Jetson's GPU finds them.";
    py::register_local_exception<CaptureError>(module, "CaptureError");
    py::class_<Array>(module, "Plane", py::module_local(),
                      "A plane of a frame in the GPU's memory; the frame is given back when its planes are gone.")
        .def_property_readonly("__cuda_array_interface__", &array_interface);
    py::class_<Capture>(module, "Capture", py::module_local(),
                        R"(A GStreamer pipeline whose frames are NV12 in memory:NVMM.

Args:
    pipeline: its words as `gst-launch-1.0` takes them, without its sink.

Raises:
    CaptureError: it is not a pipeline, or cannot be started.
)")
        .def(py::init<const std::vector<std::string>&>(), py::arg("pipeline"), py::call_guard<py::gil_scoped_release>())
        .def("pull", &pull, py::arg("seconds"), R"(Wait for the next frame, with the GPU's context as the current one.

Returns:
    Its luma and chroma, each a `Plane`, uint8, H x W and ceil(H / 2) x (2 * ceil(W / 2)), and its colours as GStreamer
    writes them, or "" where nobody states them. None where a pipeline that is not live has ended.

Raises:
    CaptureError: there is none within so many seconds, the pipeline fails or, live, has ended, or the frame is not in NVMM.
)")
        .def("close", &Capture::stop, py::call_guard<py::gil_scoped_release>(), "End the pipeline.");
}
