#include <pybind11/stl.h>

#include <string>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "core/image.h"
#include "python/bindings.h"
#include "python/device.h"
#include "python/dlpack.h"

namespace py = pybind11;

namespace aernet {

namespace {

using Extents = std::vector<std::ptrdiff_t>;

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
    const auto handle = address_of(stream.get());
    const py::object capsule = object.attr("__dlpack__")(py::arg("stream") = handle);
    auto* managed = static_cast<dlpack::ManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), dlpack::kTensor));
    if (!managed) {
        throw py::error_already_set();
    }
    PyCapsule_SetName(capsule.ptr(), dlpack::kUsedTensor);
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
    array.ready = end_of_work(array.device, stream.get());
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
    array.owner = keep(object);
    const auto strides = value("strides");
    set_layout(array, value("shape").cast<Extents>(), strides.is_none() ? Extents{} : strides.cast<Extents>());
    check_place(array);
    // Some libraries name no stream though they have work under way on the legacy default one (PyCUDA).
    const auto stream = value("stream");
    array.ready =
        end_of_work(array.device, stream.is_none() ? cudaStreamLegacy
                                                   : reinterpret_cast<cudaStream_t>(stream.cast<std::uintptr_t>()));
}

}  // namespace

std::shared_ptr<const void> keep(const py::object& object) {
    return {new py::object(object), [](py::object* kept) {
                const py::gil_scoped_acquire acquired;
                delete kept;
            }};
}

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

}  // namespace aernet
