#include "cpu/threads.h"

#include <string>

#include "python/bindings.h"

namespace py = pybind11;

namespace aernet {

void register_threads(py::module_& module) {
    module.def(
        "set_num_threads",
        [](int count) {
            if (count < 1) {
                throw py::value_error("number of threads: expected 1 or more, found " + std::to_string(count));
            }
            set_num_threads(count);
        },
        py::arg("count"), R"(Let at most `count` threads share one call; at first, one for each core.

Small frames and masks stay on the caller's thread.

Raises:
    ValueError: `count` is less than 1.
)");
    module.def("get_num_threads", &get_num_threads, "How many threads may share one call.");
}

}  // namespace aernet
