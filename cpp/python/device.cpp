#include "python/device.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "cuda/memory.h"
#include "python/bindings.h"

namespace py = pybind11;

namespace aernet {

namespace {

std::size_t bytes_of(const Block& block, const py::array& array) {
    const auto bytes = static_cast<std::size_t>(array.nbytes());
    if ((array.flags() & py::array::c_style) == 0 || bytes > block.bytes()) {
        throw py::value_error("array: expected a C-contiguous one of at most " + std::to_string(block.bytes()) +
                              " bytes, found " + std::to_string(bytes));
    }
    return bytes;
}

void register_memory(py::module_& module) {
    py::class_<Block, std::shared_ptr<Block>>(module, "DeviceMemory", py::module_local(), "Bytes in a GPU's memory.")
        .def_property_readonly("pointer", [](const Block& block) { return address_of(block.data()); })
        .def(
            "copy_from",
            [](const Block& block, const py::array& array) { block.copy_from(array.data(), bytes_of(block, array)); },
            py::arg("array"), "Copy a C-contiguous array into it, and wait for that.")
        .def(
            "copy_to",
            [](const Block& block, py::array& array) { block.copy_to(array.mutable_data(), bytes_of(block, array)); },
            py::arg("array"), "Copy it into a C-contiguous array, and wait for that.");
}

void register_gpu(py::module_& module) {
    using Class = py::class_<Device, std::shared_ptr<Device>>;
    const auto attribute = [](cudaDeviceAttr which) {
        return py::cpp_function([which](const Device& device) { return device.attribute(which); });
    };
    Class(module, "Device", py::module_local(), R"(One GPU, through the context that it shares with other libraries.

`with device:` makes it the thread's current one, and brings the one before back.

Raises:
    AernetError: there is no such GPU, or it cannot be opened.
)")
        .def(py::init<int>(), py::arg("index") = 0)
        .def_property_readonly("index", &Device::index)
        .def_property_readonly("name", &Device::name)
        .def_property_readonly("pci_bus_id", &Device::pci_bus_id)
        .def_property_readonly("compute_capability",
                               [](const Device& device) {
                                   return std::pair(device.attribute(cudaDevAttrComputeCapabilityMajor),
                                                    device.attribute(cudaDevAttrComputeCapabilityMinor));
                               })
        .def_property_readonly("is_integrated", &Device::is_integrated, "Whether it shares the host's memory.")
        .def_property_readonly("memory_bytes", &Device::total_memory)
        .def_property_readonly("clock_khz", attribute(cudaDevAttrClockRate), "The highest clock.")
        .def("__enter__",
             [](const std::shared_ptr<Device>& device) {
                 device->push();
                 return device;
             })
        .def("__exit__", [](const Device& device, const py::args&) { device.pop(); })
        .def(
            "event", [](const std::shared_ptr<Device>& device) { return std::make_unique<Event>(device, true); },
            "Make an `Event`.")
        .def(
            "allocate",
            [](const std::shared_ptr<Device>& device, std::size_t bytes) {
                return std::make_shared<Block>(device, Memory::kDevice, bytes);
            },
            py::arg("size"), "Take so many bytes of its memory.")
        .def(
            "wrap",
            [](const std::shared_ptr<Device>& device, const py::object& picture) { return wrap(device, picture); },
            py::arg("picture"), R"(Take another library's picture in this GPU's memory, without a copy.

Args:
    picture: uint8, H x W x 3, H x W x 4 or H x W, by DLPack or `__cuda_array_interface__`; pixels without gaps, rows
        with any distance. Work under way on it is waited for, on the GPU, before it is read.

Raises:
    FrameError: the picture has another type or layout, or lies elsewhere.
)");
}

void register_event(py::module_& module) {
    py::class_<Event>(module, "Event", py::module_local(), "A point in the work of a stream, with its time.")
        .def(
            "record",
            [](const Event& event, std::uintptr_t stream) { event.record(reinterpret_cast<cudaStream_t>(stream)); },
            py::arg("stream"), "Put it behind what is queued on the stream of this handle.")
        .def("milliseconds_since", &Event::milliseconds_since, py::arg("start"),
             "Milliseconds from another event to this one; both must be reached.");
}

}  // namespace

void register_device(py::module_& module) {
    py::register_local_exception_translator([](std::exception_ptr pointer) {
        try {
            std::rethrow_exception(pointer);
        } catch (const DeviceError& error) {
            py::set_error(py::module_::import("aernet.errors").attr("AernetError"), error.what());
        }
    });
    module.def("device_count", &device_count, R"(Count the GPUs.

Raises:
    AernetError: there is no driver, or no GPU that this build can use.
)");
    module.def("driver_version", &driver_version,
               "The newest CUDA that the installed driver knows, such as \"13.0\"; empty without a driver.");
    module.attr("cuda_version") = toolkit_version();
    register_memory(module);
    register_gpu(module);
    register_event(module);
    register_device_array(module);
    register_lane(module);
}

}  // namespace aernet
