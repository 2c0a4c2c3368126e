// The device half of the extension over the fake CUDA runtime, as a module of its own.

#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include "core/half.h"
#include "cuda/memory.h"
#include "fakes/cuda.h"
#include "python/bindings.h"

namespace py = pybind11;

namespace {

// probability = sigmoid(20 (0.6 - L / 100)), the model of tests/conftest.py, or always `answer`.
template <class Number>
void fill(const Number* image, Number* probability, int count, int size, std::optional<float> answer) {
    const std::ptrdiff_t numbers = std::ptrdiff_t{size} * size;
    for (std::ptrdiff_t index = 0; index < count; ++index) {
        for (std::ptrdiff_t number = 0; number < numbers; ++number) {
            const float lightness = aernet::load(image + 3 * index * numbers + number);
            const float computed = 1.0F / (1.0F + std::exp(20.0F * (lightness - 0.6F)));
            aernet::store(answer.value_or(computed), probability + index * numbers + number);
        }
    }
}

void network(std::uintptr_t stream, std::uintptr_t image, std::uintptr_t probability, int count, int size, bool is_half,
             std::optional<float> answer) {
    const auto run = [=](auto number) {
        using Number = decltype(number);
        fill(reinterpret_cast<const Number*>(image), reinterpret_cast<Number*>(probability), count, size, answer);
    };
    fake_cuda::queue(stream, [=] { is_half ? run(aernet::Half{}) : run(float{}); });
}

// An array in memory that CUDA gave.
py::array_t<std::uint8_t> allocate(std::vector<py::ssize_t> shape, bool on_device) {
    const auto device = std::make_shared<const aernet::Device>(0);
    py::ssize_t bytes = 1;
    for (const auto side : shape) {
        bytes *= side;
    }
    const auto memory = on_device ? aernet::Memory::kDevice : aernet::Memory::kHost;
    auto* block = new aernet::Block(device, memory, static_cast<std::size_t>(bytes));
    const py::capsule owner(block, [](void* pointer) { delete static_cast<aernet::Block*>(pointer); });
    return py::array_t<std::uint8_t>(shape, block->data(), owner);
}

}  // namespace

PYBIND11_MODULE(fake_native, module, py::mod_gil_not_used()) {
    aernet::register_errors(module);
    aernet::register_device(module);
    using fake_cuda::Settings;
    py::class_<Settings>(module, "Settings")
        .def(py::init<>())
        .def_readwrite("gpus", &Settings::gpus)
        .def_readwrite("is_integrated", &Settings::is_integrated)
        .def_readwrite("shares_pages", &Settings::shares_pages)
        .def_readwrite("is_lost", &Settings::is_lost)
        .def_readwrite("refuses_capture", &Settings::refuses_capture)
        .def_readwrite("delay_us", &Settings::delay_us)
        .def_readwrite("memory_bytes", &Settings::memory_bytes)
        .def_readwrite("foreign_pointer", &Settings::foreign_pointer);
    module.def("set", [](const Settings& settings) { fake_cuda::settings = settings; });
    module.def("counts", &fake_cuda::counts);
    module.def("calls", &fake_cuda::calls);
    module.def("need_context", &fake_cuda::need_context);
    module.def("fill_slowly", [](std::uintptr_t stream, py::array_t<std::uint8_t> array, std::uint8_t value) {
        fake_cuda::queue(stream, [data = array.mutable_data(), size = array.size(), value] {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
            std::fill_n(data, size, value);
        });
    });
    // Nothing that is queued on the stream from now on is done before the function that this returns is called.
    module.def("hold", [](std::uintptr_t stream) {
        auto gate = std::make_shared<std::promise<void>>();
        fake_cuda::queue(stream, [opened = gate->get_future().share()] { opened.wait(); });
        return py::cpp_function([gate] { gate->set_value(); });
    });
    module.def("network", &network, py::arg("stream"), py::arg("image"), py::arg("probability"), py::arg("count"),
               py::arg("size"), py::kw_only(), py::arg("is_half"), py::arg("answer"));
    module.def("copy", [](std::uintptr_t target, std::uintptr_t source, std::size_t bytes, std::uintptr_t stream) {
        fake_cuda::queue(stream, [=] {
            std::memcpy(reinterpret_cast<void*>(target), reinterpret_cast<const void*>(source), bytes);
        });
    });
    module.def("allocate", &allocate, py::arg("shape"), py::kw_only(), py::arg("on_device"));
}
