#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <array>
#include <string>
#include <vector>

#include "core/errors.h"
#include "core/image.h"
#include "python/bindings.h"
#include "python/device.h"
#include "python/dlpack.h"

namespace py = pybind11;

namespace aernet {

namespace {

constexpr auto kHandingOut = "handing out an array";

// Another library may still work in the array when it has let go of it.
void share(const DeviceArray& array) {
    if (array.block) {
        StreamMemory::share(*array.block);
    }
}

py::dict array_interface(const DeviceArray& array) {
    using py::literals::operator""_a;
    share(array);
    py::object stream = py::none();
    if (!array.ready->is_reached()) {
        // Some libraries do not ask which stream to wait for; what they do on the legacy default one is in order too.
        array.ready->hold(cudaStreamLegacy, kHandingOut);
        stream = py::int_(address_of(cudaStreamLegacy));
    }
    return py::dict("shape"_a = py::tuple(py::cast(shape_of(array))),
                    "strides"_a = py::tuple(py::cast(strides_of(array))), "typestr"_a = "|u1",
                    "data"_a = py::make_tuple(address_of(array.data), false), "version"_a = 3, "stream"_a = stream);
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

py::capsule to_dlpack(const std::shared_ptr<DeviceArray>& array, const py::object& stream,
                      const py::object& /*max_version*/, const py::object& device, const py::object& copy) {
    if (copy.is(py::bool_(true)) || (!device.is_none() && !device.equal(dlpack_device(*array)))) {
        throw py::buffer_error("an array in a GPU's memory is handed out where it lies, and never as a copy");
    }
    const auto handle =
        stream.is_none() ? reinterpret_cast<std::intptr_t>(cudaStreamLegacy) : stream.cast<std::intptr_t>();
    if (handle != -1) {  // which stands for no stream
        array->ready->hold(reinterpret_cast<cudaStream_t>(handle), kHandingOut);
    }
    share(*array);
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
    return py::capsule(&exported->managed, dlpack::kTensor, [](PyObject* capsule) {
        if (PyCapsule_IsValid(capsule, dlpack::kTensor)) {  // nobody took it
            delete_exported(static_cast<dlpack::ManagedTensor*>(PyCapsule_GetPointer(capsule, dlpack::kTensor)));
        }
    });
}

py::array to_host(const DeviceArray& array) {
    const auto shape = shape_of(array);
    if (!array.block) {
        py::array_t<std::uint8_t> copy(shape);
        std::uint8_t* target = copy.mutable_data();
        {
            const py::gil_scoped_release released;
            copy_to_host(array, target);
        }
        return copy;
    }
    const auto block = [&] {
        const py::gil_scoped_release released;
        return to_page_locked(array);
    }();
    if (array.memory->is_short_of_locked()) {
        return py::array_t<std::uint8_t>(shape, block->data());
    }
    const py::capsule owner(new std::shared_ptr<Block>(block),
                            [](void* pointer) { delete static_cast<std::shared_ptr<Block>*>(pointer); });
    return py::array_t<std::uint8_t>(shape, block->data(), owner);
}

py::object to_numpy(const DeviceArray& array, const py::object& dtype, const py::object& copy) {
    if (copy.is(py::bool_(false))) {
        throw py::value_error("an array in a GPU's memory cannot be had on the host without a copy");
    }
    const auto host = to_host(array);
    const bool is_shared = array.block && array.block->memory() == Memory::kHost;
    return host.attr("astype")(dtype.is_none() ? host.dtype() : dtype,
                               py::arg("copy") = is_shared && copy.is(py::bool_(true)));
}

void tint_picture(const DeviceArray& mask, const py::object& picture, const std::array<std::uint8_t, 3>& colour,
                  float share) {
    if (!(share >= 0 && share <= 1)) {
        throw py::value_error("share: expected 0 to 1, found " + std::to_string(share));
    }
    const auto target = wrap(mask.device, picture);
    if (mask.channels != 0 || target->channels < 3 || target->channels > 4 || target->height != mask.height ||
        target->width != mask.width) {
        throw FrameError("tint: expected a mask, H x W, and a picture, H x W x 3 or H x W x 4, found the shapes " +
                         py::str(py::tuple(py::cast(shape_of(mask)))).cast<std::string>() + " and " +
                         py::str(py::tuple(py::cast(shape_of(*target)))).cast<std::string>());
    }
    const py::gil_scoped_release released;
    tint(mask, *target, {{colour[0], colour[1], colour[2]}, share});
}

}  // namespace

std::vector<std::ptrdiff_t> shape_of(const DeviceArray& array) {
    return array.channels == 0 ? std::vector{array.height, array.width}
                               : std::vector{array.height, array.width, array.channels};
}

std::vector<std::ptrdiff_t> strides_of(const DeviceArray& array) {
    return array.channels == 0 ? std::vector{array.pitch, std::ptrdiff_t{1}}
                               : std::vector{array.pitch, array.channels, std::ptrdiff_t{1}};
}

Image image_of(const DeviceArray& array, const std::string& pixel_format) {
    return image_of({array.data, shape_of(array), strides_of(array)}, pixel_format);
}

Image image_of(const DeviceArray& luma, const DeviceArray& chroma, YuvMatrix matrix, bool full_range) {
    const auto bytes = [](const DeviceArray& array) {
        return ByteArray{array.data, shape_of(array), strides_of(array)};
    };
    return image_of(bytes(luma), bytes(chroma), matrix, full_range);
}

void register_device_array(py::module_& module) {
    py::class_<DeviceArray, std::shared_ptr<DeviceArray>>(module, "DeviceArray", py::module_local(),
                                                          R"(A picture or a mask in a GPU's memory, uint8.

Other libraries take it without a copy, by `__cuda_array_interface__` and DLPack; `numpy.asarray` copies it to the host.
It may still be under way: what reads it through one of these waits for it, on the GPU where that is enough.
)")
        .def_property_readonly("shape", [](const DeviceArray& array) { return py::tuple(py::cast(shape_of(array))); })
        .def_property_readonly("ndim", [](const DeviceArray& array) { return shape_of(array).size(); })
        .def_property_readonly("dtype", [](const DeviceArray&) { return py::dtype::of<std::uint8_t>(); })
        .def_property_readonly(
            "device", [](const DeviceArray& array) { return array.device->index(); }, "Index of the GPU.")
        .def(
            "wait", [](const DeviceArray& array) { array.ready->wait("waiting for an array"); },
            py::call_guard<py::gil_scoped_release>(), "Wait until it is written.")
        .def_property_readonly("__cuda_array_interface__", &array_interface)
        .def(
            "tint", &tint_picture, py::arg("picture"), py::arg("colour"), py::arg("share"),
            R"(Blend a colour into a picture in this GPU's memory wherever this mask is not 0; it is done when this returns.

Args:
    picture: uint8, H x W x 3 or H x W x 4, as `Segmenter` takes it; changed in place, a fourth channel not.
    colour: in the order of the picture's channels.
    share: how much of the colour a tinted pixel takes, 0 to 1.

Raises:
    FrameError: the picture has another type or size, or lies elsewhere.
)")
        .def("__dlpack_device__", &dlpack_device)
        .def("__dlpack__", &to_dlpack, py::arg("stream") = py::none(), py::arg("max_version") = py::none(),
             py::arg("dl_device") = py::none(), py::arg("copy") = py::none())
        .def("__array__", &to_numpy, py::arg("dtype") = py::none(), py::arg("copy") = py::none());
}

}  // namespace aernet
