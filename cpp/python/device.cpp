#include "python/device.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "cuda/lane.h"
#include "python/bindings.h"

namespace py = pybind11;

namespace aernet {

namespace {

constexpr std::size_t kMostLockedResults = 16;  // beyond these, results are copied into ordinary memory
constexpr std::size_t kAlignment = 256;

struct Size {
    std::ptrdiff_t height;
    std::ptrdiff_t width;
};

// A mask under way; `offset` is the place of the probabilities in their block.
struct Answer {
    Size size;
    Memory memory;
    std::shared_ptr<Block> mask;
    std::shared_ptr<Block> probability;
    std::size_t offset;
};

Element element_of(const std::string& name) {
    if (name != "float32" && name != "float16") {
        throw py::value_error("element: expected 'float32' or 'float16', found '" + name + "'");
    }
    return name == "float16" ? Element::kFloat16 : Element::kFloat32;
}

std::size_t bytes_of(const Block& block, const py::array& array) {
    const auto bytes = static_cast<std::size_t>(array.nbytes());
    if ((array.flags() & py::array::c_style) == 0 || bytes > block.bytes()) {
        throw py::value_error("array: expected a C-contiguous one of at most " + std::to_string(block.bytes()) +
                              " bytes, found " + std::to_string(bytes));
    }
    return bytes;
}

// A lane with the frames that are on it.
class FrameLane {
   public:
    FrameLane(const std::shared_ptr<Device>& device, int size, int batch, const std::string& image,
              const std::string& probability, bool is_timed)
        : locked_(std::make_shared<BlockPool>(device, Memory::kHost)),
          masks_(std::make_shared<BlockPool>(device, Memory::kDevice)),
          lane_(device, size, batch, element_of(image), element_of(probability), is_timed) {}

    const Lane& lane() const { return lane_; }

    void put(const py::object& frame, const std::string& colour) {
        const auto index = static_cast<int>(sizes_.size());
        if (index == lane_.batch()) {
            throw py::index_error("the lane is full");
        }
        if (py::isinstance<DeviceArray>(frame)) {
            const auto array = frame.cast<std::shared_ptr<DeviceArray>>();
            const auto view = image_of(*array, colour);
            frames_.push_back(frame);
            sizes_.push_back({view.height, view.width});
            lane_.put(index, view, array->ready.get());
            return;
        }
        const auto view = image_of(frame, colour);
        frames_.push_back(frame);
        sizes_.push_back({view.height, view.width});
        const py::gil_scoped_release released;
        lane_.put(index, view);
    }

    void run(const py::object& engine) {
        if (py::isinstance<Graph>(engine)) {
            const auto& graph = engine.cast<const Graph&>();
            const py::gil_scoped_release released;
            lane_.run(graph);
        } else {
            enqueue(engine);
        }
    }

    std::unique_ptr<Graph> capture(const py::object& engine) {
        return lane_.capture([&] { enqueue(engine); });
    }

    void take(float threshold, bool on_device) {
        const py::gil_scoped_release released;
        for (std::size_t index = answers_.size(); index < sizes_.size(); ++index) {
            const auto& size = sizes_[index];
            const auto bytes = static_cast<std::size_t>(size.height * size.width);
            Answer answer{size, on_device ? Memory::kDevice : Memory::kHost, nullptr, nullptr, 0};
            if (on_device) {
                answer.mask = masks_->take(bytes);
                answer.probability = locked_->take(lane_.probability_bytes());
            } else {
                answer.offset = (bytes + kAlignment - 1) / kAlignment * kAlignment;
                answer.mask = answer.probability = locked_->take(answer.offset + lane_.probability_bytes());
            }
            answers_.push_back(answer);
            lane_.take(static_cast<int>(index), size.height, size.width, threshold, answer.memory, *answer.mask,
                       answer.probability->data() + answer.offset);
        }
    }

    py::list wait() {
        {
            const py::gil_scoped_release released;
            lane_.wait();
        }
        const auto answers = std::exchange(answers_, {});
        sizes_.clear();
        frames_.clear();
        py::list results;
        for (const auto& answer : answers) {
            results.append(py::make_tuple(mask_of(answer), probability_of(answer)));
        }
        return results;
    }

   private:
    void enqueue(const py::object& engine) {
        const CurrentDevice current(*lane_.device());
        engine(reinterpret_cast<std::uintptr_t>(lane_.stream()));
    }

    py::object mask_of(const Answer& answer) {
        const auto& [height, width] = answer.size;
        if (answer.memory == Memory::kHost) {
            return array_over(answer.mask, 0, py::dtype::of<std::uint8_t>(), {height, width});
        }
        return py::cast(std::make_shared<DeviceArray>(
            DeviceArray{lane_.device(), answer.mask->data(), height, width, 0, width, answer.mask, nullptr}));
    }

    py::array probability_of(const Answer& answer) {
        const py::dtype type(lane_.probability_element() == Element::kFloat16 ? "float16" : "float32");
        return array_over(answer.probability, answer.offset, type, {lane_.size(), lane_.size()});
    }

    // An array that keeps its block from being used again, or a copy where too many do so already.
    py::array array_over(const std::shared_ptr<Block>& block, std::size_t offset, const py::dtype& type,
                         const py::array::ShapeContainer& shape) {
        const auto* data = block->data() + offset;
        if (locked_->in_use() > kMostLockedResults) {
            return {type, shape, data};
        }
        const py::capsule owner(new std::shared_ptr<Block>(block),
                                [](void* pointer) { delete static_cast<std::shared_ptr<Block>*>(pointer); });
        return {type, shape, data, owner};
    }

    std::shared_ptr<BlockPool> locked_;
    std::shared_ptr<BlockPool> masks_;
    std::vector<py::object> frames_;  // which the device may still read
    std::vector<Size> sizes_;
    std::vector<Answer> answers_;
    Lane lane_;  // goes first, and waits
};

std::uintptr_t address_of(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

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
    FrameError: it is not so, or lies elsewhere.
)");
}

void register_lane(py::module_& module) {
    py::class_<Graph>(module, "Graph", py::module_local(), "What an engine puts on a stream, captured.");
    py::class_<FrameLane>(module, "Lane", py::module_local(),
                          R"(The way of a batch of frames through a GPU, for one thread at a time.

`put` each frame, `run` the engine, `take` the masks, `wait` for them; all but the last only queue work.

Args:
    device: the GPU.
    size: side of the network's square input and output, in pixels.
    batch: how many frames it takes at most.
    image: type of the network's input, "float32" or "float16".
    probability: type of its output.
    timed: whether to time the steps.
)")
        .def(py::init<const std::shared_ptr<Device>&, int, int, const std::string&, const std::string&, bool>(),
             py::arg("device"), py::arg("size"), py::arg("batch"), py::arg("image"), py::arg("probability"),
             py::kw_only(), py::arg("timed") = false)
        .def_property_readonly("stream", [](const FrameLane& lane) { return address_of(lane.lane().stream()); })
        .def_property_readonly(
            "image", [](const FrameLane& lane) { return address_of(lane.lane().image()); },
            "Address of the network's input, batch x 3 x size x size.")
        .def_property_readonly(
            "probability", [](const FrameLane& lane) { return address_of(lane.lane().probability()); },
            "Address of the network's output, batch x 1 x size x size.")
        .def("put", &FrameLane::put, py::arg("frame"), py::arg("colour") = "bgr",
             R"(Bring a frame into the network's input.

Args:
    frame: a NumPy array as `preprocess` takes it, or what `Device.wrap` returns; with "nv12", (H * 3 / 2) x W. It must
        not change before `wait`.
    colour: "bgr", "rgb" or "nv12".

Raises:
    FrameError: the frame is not so.
)")
        .def("run", &FrameLane::run, py::arg("engine"),
             "Run the engine: a `Graph`, or what puts its work on the stream that it is given the handle of.")
        .def("capture", &FrameLane::capture, py::arg("engine"), R"(Capture what an engine puts on the stream.

Raises:
    AernetError: it does what cannot be captured.
)")
        .def("take", &FrameLane::take, py::arg("threshold"), py::arg("on_device") = false,
             "Make the mask of each frame, as `mask_from_probability` does, and bring it to the host or leave it.")
        .def("wait", &FrameLane::wait, R"(Wait for all that is queued, and make the lane free for other frames.

Returns:
    For each frame the mask, uint8, H x W, a NumPy array or a `DeviceArray`, and the probability, size x size, a NumPy
    array of the engine's type, not checked.
)")
        .def(
            "times", [](const FrameLane& lane) { return lane.lane().times(); },
            "Milliseconds that the last frame took: copy in, preprocess, engine, mask, copy out.");
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
    register_device_array(module);
    register_lane(module);
}

}  // namespace aernet
