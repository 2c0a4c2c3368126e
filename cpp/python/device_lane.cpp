#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <vector>

#include "core/errors.h"
#include "core/image.h"
#include "cuda/lane.h"
#include "python/bindings.h"
#include "python/device.h"

namespace py = pybind11;

namespace aernet {

namespace {

Element element_of(const std::string& name) {
    if (name != "float32" && name != "float16") {
        throw py::value_error("element: expected 'float32' or 'float16', found '" + name + "'");
    }
    return name == "float16" ? Element::kFloat16 : Element::kFloat32;
}

void put(Lane& lane, const py::object& frame, const std::string& pixel_format, const Event* copied) {
    if (py::isinstance<DeviceArray>(frame)) {
        const auto& array = frame.cast<const DeviceArray&>();
        lane.put(image_of(array, pixel_format), keep(frame), copied, {array.ready.get()});
        return;
    }
    if (is_nv12_frame(frame) && py::isinstance<DeviceArray>(frame.attr("luma"))) {
        const auto& luma = frame.attr("luma").cast<const DeviceArray&>();
        const auto& chroma = frame.attr("chroma").cast<const DeviceArray&>();
        const auto image = image_of(luma, chroma, yuv_matrix_of(frame), is_full_range(frame));
        lane.put(image, keep(frame), copied, {luma.ready.get(), chroma.ready.get()});
        return;
    }
    const auto image = image_of(frame, pixel_format);
    auto owner = keep(frame);
    const py::gil_scoped_release released;
    lane.put(image, std::move(owner), copied);
}

void enqueue(const Lane& lane, const py::object& network, cudaStream_t stream) {
    const CurrentDevice current(*lane.device());
    network(address_of(stream));
}

void run(Lane& lane, const py::object& network) {
    if (py::isinstance<Graph>(network)) {
        const auto& graph = network.cast<const Graph&>();
        const py::gil_scoped_release released;
        lane.run(graph);
    } else {
        enqueue(lane, network, lane.stream());
    }
}

std::unique_ptr<Graph> capture(const Lane& lane, const py::object& network) {
    return lane.capture([&](cudaStream_t stream) { enqueue(lane, network, stream); });
}

std::shared_ptr<DeviceArray> queued_mask(const Prediction& prediction, std::ptrdiff_t height, std::ptrdiff_t width,
                                         double threshold) {
    check_side(height, "mask height");
    check_side(width, "mask width");
    if (!(threshold > 0.0 && threshold < 1.0)) {
        throw FrameError("threshold: expected a number between 0 and 1, both excluded, found " +
                         py::str(py::float_(threshold)).cast<std::string>());
    }
    const py::gil_scoped_release released;
    return std::make_shared<DeviceArray>(prediction.mask(height, width, static_cast<float>(threshold)));
}

py::array_t<float> read(const Prediction& prediction, void (Prediction::*way)(float*) const) {
    py::array_t<float> map({prediction.size(), prediction.size()});
    float* numbers = map.mutable_data();
    {
        const py::gil_scoped_release released;
        (prediction.*way)(numbers);
    }
    return map;
}

void register_prediction(py::module_& module) {
    py::class_<Prediction>(module, "DevicePrediction", py::module_local(),
                           R"(The probability map of one frame, S x S, on a GPU.

It is queued and may still be under way.
)")
        .def_property_readonly(
            "frame", [](const Prediction& prediction) { return *static_cast<const py::object*>(prediction.frame()); },
            "The frame as it was put.")
        .def("mask", &queued_mask, py::arg("height"), py::arg("width"), py::arg("threshold"),
             R"(Queue the mask that `mask_from_probability` makes of the map; NaN counts as background.

Args:
    height: height of the mask in pixels, 1 to 16384.
    width: width of the mask in pixels, 1 to 16384.
    threshold: between 0 and 1, both excluded.

Returns:
    A `DeviceArray`, (height, width): 255 on the lesion, 0 elsewhere.

Raises:
    FrameError: an argument is not as above.
    AernetError: the device fails.
)")
        .def(
            "to_host", [](const Prediction& prediction) { return read(prediction, &Prediction::read_probability); },
            R"(Wait for the map.

Returns:
    float32, S x S, within [0, 1].

Raises:
    FrameError: the map holds NaN, or a value further outside [0, 1] than rounding explains.
    AernetError: the device fails.
)")
        .def_property_readonly(
            "probability", [](const Prediction& prediction) { return read(prediction, &Prediction::read); },
            "The map as the network gave it, NaN included; float32, S x S. Waits for it.");
}

}  // namespace

void register_lane(py::module_& module) {
    register_prediction(module);
    py::class_<Graph>(module, "Graph", py::module_local(), "A run of the network, captured on a stream.");
    py::class_<Lane>(module, "Lane", py::module_local(),
                     R"(The way of a batch of frames through a GPU, for one thread at a time.

`wait` for the last batch, `put` each frame, `run` the network, take the `predictions`; all but the first only queue work.

Args:
    device: the GPU.
    size: side of the network's square input and output, in pixels.
    batch: how many frames it takes at most.
    image: type of the network's input, "float32" or "float16".
    probability: type of its output.

Raises:
    AernetError: the GPU's memory does not suffice.
)")
        .def(py::init([](const std::shared_ptr<Device>& device, int size, int batch, const std::string& image,
                         const std::string& probability) {
                 return std::make_unique<Lane>(device, size, batch, element_of(image), element_of(probability));
             }),
             py::arg("device"), py::arg("size"), py::arg("batch"), py::arg("image"), py::arg("probability"))
        .def_property_readonly(
            "stream", [](const Lane& lane) { return address_of(lane.stream()); }, "Handle of its stream.")
        .def_property_readonly(
            "image", [](const Lane& lane) { return address_of(lane.image()); },
            "Address of the network's input, batch x 3 x size x size.")
        .def_property_readonly(
            "probability", [](const Lane& lane) { return address_of(lane.probability()); },
            "Address of the network's output, batch x 1 x size x size.")
        .def("is_idle", &Lane::is_idle, "Whether the predictions of the last batch are there.")
        .def("wait", &Lane::wait, py::call_guard<py::gil_scoped_release>(),
             "Wait for all that is queued, and let go of the frames.")
        .def("put", &put, py::arg("frame"), py::arg("pixel_format") = "bgr", py::kw_only(),
             py::arg("copied") = py::none(), R"(Bring a frame into the network's input.

Args:
    frame: a NumPy array or an `Nv12Frame` as `preprocess` takes it, or what `Device.wrap` returns, or an `Nv12Frame` of
        two of these. The GPU may read it where it lies until the batch is over.
    pixel_format: "bgr", "rgb" or "nv12".
    copied: an `Event` to record when the frame is on the GPU.

Raises:
    FrameError: the frame is not as above.
    IndexError: the lane is full.
    AernetError: the device fails.
)")
        .def("run", &run, py::arg("network"),
             "Run the network: a `Graph`, or what puts its work on the stream that it is given the handle of.")
        .def("capture", &capture, py::arg("network"), R"(Capture what a network puts on the stream that it is given.

Raises:
    AernetError: it does what cannot be captured.
)")
        .def("predictions", &Lane::predictions, py::call_guard<py::gil_scoped_release>(),
             "Copy the network's output out of the lane: a `DevicePrediction` of each frame.");
}

}  // namespace aernet
