#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "core/image.h"
#include "cuda/overlay.h"
#include "python/bindings.h"
#include "python/device.h"
#include "python/dlpack.h"

namespace py = pybind11;

namespace aernet {

namespace {

using Extents = std::vector<std::ptrdiff_t>;

constexpr auto kTensor = "dltensor";
constexpr auto kUsedTensor = "used_dltensor";

Extents shape_of(const DeviceArray& array) {
    return array.channels == 0 ? Extents{array.height, array.width}
                               : Extents{array.height, array.width, array.channels};
}

// In bytes.
Extents strides_of(const DeviceArray& array) {
    return array.channels == 0 ? Extents{array.pitch, 1} : Extents{array.pitch, array.channels, 1};
}

std::ptrdiff_t row_bytes(const DeviceArray& array) { return array.width * (array.channels == 0 ? 1 : array.channels); }

std::string text_of(const Extents& extents) { return py::str(py::tuple(py::cast(extents))).cast<std::string>(); }

std::string expected_memory(const Device& device) {
    return "frame: expected memory of cuda:" + std::to_string(device.index());
}

FrameError not_bytes(const std::string& found) {
    return FrameError("frame: expected uint8, found " + found + "; convert it to uint8 first");
}

// Strides in bytes; none for an array without gaps.
void set_layout(DeviceArray& array, const Extents& shape, const Extents& strides) {
    if (shape.size() != 2 && shape.size() != 3) {
        throw FrameError(
            "frame: expected H x W x 3, H x W x 4 (the fourth is ignored) or H x W (gray), found the shape " +
            text_of(shape));
    }
    check_side(shape[0], "frame height");
    check_side(shape[1], "frame width");
    array.height = shape[0];
    array.width = shape[1];
    array.channels = shape.size() == 3 ? shape[2] : 0;
    array.pitch = strides.empty() || shape[0] == 1 ? row_bytes(array) : strides[0];
    const auto expected = strides_of(array);
    bool fits = array.pitch >= row_bytes(array) && array.pitch <= kMostBytes / shape[0];
    for (std::size_t axis = 0; axis < strides.size(); ++axis) {
        // The stride of an axis with one element means nothing.
        fits = fits && (strides[axis] == expected[axis] || shape[axis] == 1);
    }
    if (!fits) {
        throw FrameError(
            "frame: expected pixels without gaps, the channels last and the rows in order, found strides of " +
            text_of(strides) + " bytes for the shape " + text_of(shape) + "; make it contiguous");
    }
}

void check_index(const Device& device, int found) {
    if (found != device.index()) {
        throw FrameError(expected_memory(device) + ", found cuda:" + std::to_string(found) +
                         "'s; copy it, or use a segmenter there");
    }
}

void check_place(const DeviceArray& array) {
    const auto& device = *array.device;
    cudaPointerAttributes attributes{};
    const auto status = cudaPointerGetAttributes(&attributes, array.data);
    const bool is_on_device = attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged;
    if (is_on_device) {
        check_index(device, attributes.device);
    }
    if (device.is_foreign(array.data)) {  // of which the runtime may know nothing
        throw FrameError(expected_memory(device) +
                         "'s primary context, found another context's; use the primary one (with PyCUDA, "
                         "import pycuda.autoprimaryctx instead of pycuda.autoinit)");
    }
    device.check(status, "looking at a frame");
    if (!is_on_device) {
        throw FrameError(expected_memory(device) + ", found the host's; give it as a NumPy array");
    }
}

void set_end_of_work(DeviceArray& array, cudaStream_t stream) {
    auto ready = std::make_shared<Event>(array.device, false);
    ready->record(stream);
    array.ready = std::move(ready);
}

bool offers_dlpack(const Device& device, const py::object& object) {
    if (!py::hasattr(object, "__dlpack_device__")) {
        return false;
    }
    const auto place = object.attr("__dlpack_device__")().cast<std::pair<std::int32_t, std::int32_t>>();
    if (place.first == dlpack::kCuda) {
        check_index(device, place.second);  // it could not make our stream wait for another GPU's
    }
    return place.first == dlpack::kCuda || place.first == dlpack::kCudaManaged;
}

void wrap_dlpack(DeviceArray& array, const py::object& object) {
    const Stream stream(array.device);  // which the other library makes wait for its work
    const auto handle = reinterpret_cast<std::uintptr_t>(stream.get());
    const py::object capsule = object.attr("__dlpack__")(py::arg("stream") = handle);
    auto* managed = static_cast<dlpack::ManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), kTensor));
    if (!managed) {
        throw py::error_already_set();
    }
    PyCapsule_SetName(capsule.ptr(), kUsedTensor);
    array.owner = {managed, [](dlpack::ManagedTensor* used) {
                       if (used->deleter) {
                           used->deleter(used);
                       }
                   }};
    const auto& tensor = managed->tensor;
    if (tensor.type.code != dlpack::kUnsigned || tensor.type.bits != 8 || tensor.type.lanes != 1) {
        throw not_bytes("DLPack's type " + std::to_string(tensor.type.code) + " of " +
                        std::to_string(tensor.type.bits) + " bits");
    }
    array.data = static_cast<std::uint8_t*>(tensor.data) + tensor.byte_offset;
    const auto* strides = tensor.strides;  // of single bytes, which are the elements
    set_layout(array, Extents(tensor.shape, tensor.shape + tensor.dimensions),
               strides ? Extents(strides, strides + tensor.dimensions) : Extents{});
    check_place(array);
    set_end_of_work(array, stream.get());
}

void wrap_array_interface(DeviceArray& array, const py::object& object) {
    const auto interface = object.attr("__cuda_array_interface__").cast<py::dict>();
    const auto value = [&](const char* name) -> py::object {
        return interface.contains(name) ? py::object(interface[name]) : py::none();
    };
    const auto type = value("typestr").cast<std::string>();
    if (type != "|u1") {
        throw not_bytes(type);
    }
    array.data = reinterpret_cast<std::uint8_t*>(value("data").cast<py::tuple>()[0].cast<std::uintptr_t>());
    array.owner = {new py::object(object), [](py::object* owner) {
                       const py::gil_scoped_acquire acquired;
                       delete owner;
                   }};
    const auto strides = value("strides");
    set_layout(array, value("shape").cast<Extents>(), strides.is_none() ? Extents{} : strides.cast<Extents>());
    check_place(array);
    // Some libraries name no stream though they have work under way on the legacy default one (PyCUDA).
    const auto stream = value("stream");
    set_end_of_work(
        array, stream.is_none() ? cudaStreamLegacy : reinterpret_cast<cudaStream_t>(stream.cast<std::uintptr_t>()));
}

py::array_t<std::uint8_t> to_host(const DeviceArray& array) {
    py::array_t<std::uint8_t> copy(shape_of(array));
    std::uint8_t* target = copy.mutable_data();
    const auto width = static_cast<std::size_t>(row_bytes(array));
    const auto& device = *array.device;
    {
        const py::gil_scoped_release released;
        const CurrentDevice current(device);
        if (array.ready) {
            device.check(cudaEventSynchronize(array.ready->get()), "copying an array to the host");
        }
        device.check(cudaMemcpy2D(target, width, array.data, static_cast<std::size_t>(array.pitch), width,
                                  static_cast<std::size_t>(array.height), cudaMemcpyDeviceToHost),
                     "copying an array to the host");
    }
    return copy;
}

py::dict array_interface(const DeviceArray& array) {
    using py::literals::operator""_a;
    return py::dict("shape"_a = py::tuple(py::cast(shape_of(array))),
                    "strides"_a = py::tuple(py::cast(strides_of(array))), "typestr"_a = "|u1",
                    "data"_a = py::make_tuple(reinterpret_cast<std::uintptr_t>(array.data), false), "version"_a = 3,
                    "stream"_a = py::none());
}

// A tensor for another library, with what it points to.
struct Exported {
    dlpack::ManagedTensor managed;
    std::vector<std::int64_t> shape;
    std::vector<std::int64_t> strides;
    std::shared_ptr<const DeviceArray> array;
};

py::tuple dlpack_device(const DeviceArray& array) { return py::make_tuple(dlpack::kCuda, array.device->index()); }

void delete_exported(dlpack::ManagedTensor* managed) { delete static_cast<Exported*>(managed->context); }

// The array is written, so that there is no stream to wait for.
py::capsule to_dlpack(const std::shared_ptr<DeviceArray>& array, const py::object& /*stream*/,
                      const py::object& /*max_version*/, const py::object& device, const py::object& copy) {
    if (copy.is(py::bool_(true)) || (!device.is_none() && !device.equal(dlpack_device(*array)))) {
        throw py::buffer_error("an array in a GPU's memory is handed out where it lies, and never as a copy");
    }
    const auto shape = shape_of(*array);
    const auto strides = strides_of(*array);
    auto* exported = new Exported{{}, {shape.begin(), shape.end()}, {strides.begin(), strides.end()}, array};
    const auto dimensions = static_cast<std::int32_t>(shape.size());
    exported->managed = {{array->data,
                          {dlpack::kCuda, array->device->index()},
                          dimensions,
                          {dlpack::kUnsigned, 8, 1},
                          exported->shape.data(),
                          exported->strides.data(),
                          0},
                         exported,
                         &delete_exported};
    return py::capsule(&exported->managed, kTensor, [](PyObject* capsule) {
        if (PyCapsule_IsValid(capsule, kTensor)) {  // nobody took it
            delete_exported(static_cast<dlpack::ManagedTensor*>(PyCapsule_GetPointer(capsule, kTensor)));
        }
    });
}

}  // namespace

std::shared_ptr<DeviceArray> wrap(const std::shared_ptr<const Device>& device, const py::object& picture) {
    if (py::isinstance<DeviceArray>(picture)) {
        auto ours = picture.cast<std::shared_ptr<DeviceArray>>();
        check_index(*device, ours->device->index());
        return ours;
    }
    auto array = std::make_shared<DeviceArray>();
    array->device = device;
    const CurrentDevice current(*device);
    // DLPack first: with it, libraries with streams of their own say which one to wait for.
    if (offers_dlpack(*device, picture)) {
        wrap_dlpack(*array, picture);
    } else if (py::hasattr(picture, "__cuda_array_interface__")) {
        wrap_array_interface(*array, picture);
    } else {
        throw FrameError("frame: expected a NumPy array or one in the memory of cuda:" +
                         std::to_string(device->index()) + " (__cuda_array_interface__ or DLPack), found " +
                         py::type::of(picture).attr("__name__").cast<std::string>());
    }
    return array;
}

// Where the mask is set, the picture takes `share` of `colour`.
void tint(const DeviceArray& mask, const py::object& picture, const std::array<std::uint8_t, 3>& colour, float share) {
    if (!(share >= 0 && share <= 1)) {
        throw py::value_error("share: expected 0 to 1, found " + std::to_string(share));
    }
    const auto target = wrap(mask.device, picture);
    if (mask.channels != 0 || target->channels < 3 || target->channels > 4 || target->height != mask.height ||
        target->width != mask.width) {
        throw FrameError("tint: expected a mask, H x W, and a picture, H x W x 3 or H x W x 4, found the shapes " +
                         text_of(shape_of(mask)) + " and " + text_of(shape_of(*target)));
    }
    const py::gil_scoped_release released;
    const auto& device = *mask.device;
    const CurrentDevice current(device);
    const Stream stream(mask.device);
    for (const auto& ready : {mask.ready, target->ready}) {
        if (ready) {
            device.check(cudaStreamWaitEvent(stream.get(), ready->get(), 0), "waiting for a picture");
        }
    }
    const DevicePictures pictures{target->data, target->height, target->width, target->channels, target->pitch, 0};
    const Tint how{{colour[0], colour[1], colour[2]}, share};
    device.check(overlay_on_device(pictures, {mask.data, mask.pitch, 0}, 1, how, stream.get()), "tinting a picture");
    device.check(cudaStreamSynchronize(stream.get()), "tinting a picture");
}

Image image_of(const DeviceArray& array, const std::string& pixel_format) {
    return image_of({array.data, shape_of(array), strides_of(array)}, pixel_format);
}

void register_device_array(py::module_& module) {
    py::class_<DeviceArray, std::shared_ptr<DeviceArray>>(module, "DeviceArray", py::module_local(),
                                                          R"(A picture or a mask in a GPU's memory, uint8.

Other libraries take it without a copy, by `__cuda_array_interface__` and DLPack; `numpy.asarray` copies it to the host.
When it is handed out, it is written: no stream has to be waited for.
)")
        .def_property_readonly("shape", [](const DeviceArray& array) { return py::tuple(py::cast(shape_of(array))); })
        .def_property_readonly("ndim", [](const DeviceArray& array) { return shape_of(array).size(); })
        .def_property_readonly("dtype", [](const DeviceArray&) { return py::dtype::of<std::uint8_t>(); })
        .def_property_readonly(
            "device", [](const DeviceArray& array) { return array.device->index(); }, "Index of the GPU.")
        .def_property_readonly("__cuda_array_interface__", &array_interface)
        .def(
            "tint", &tint, py::arg("picture"), py::arg("colour"), py::arg("share"),
            R"(Blend a colour into a picture in this GPU's memory wherever this mask is not 0; it is done when this returns.

Args:
    picture: uint8, H x W x 3 or H x W x 4, as `Segmenter` takes it; changed in place, a fourth channel not.
    colour: in the order of the picture's channels.
    share: how much of the colour a tinted pixel takes, 0 to 1.

Raises:
    FrameError: the picture is not so, lies elsewhere or is not of the mask's size.
)")
        .def("__dlpack_device__", &dlpack_device)
        .def("__dlpack__", &to_dlpack, py::arg("stream") = py::none(), py::arg("max_version") = py::none(),
             py::arg("dl_device") = py::none(), py::arg("copy") = py::none())
        .def(
            "__array__",
            [](const DeviceArray& array, const py::object& dtype, const py::object& copy) -> py::object {
                if (copy.is(py::bool_(false))) {
                    throw py::value_error("an array in a GPU's memory cannot be had on the host without a copy");
                }
                const py::object host = to_host(array);
                return dtype.is_none() ? host : host.attr("astype")(dtype);
            },
            py::arg("dtype") = py::none(), py::arg("copy") = py::none());
}

}  // namespace aernet
