#include "core/errors.h"

#include <exception>

#include "python/bindings.h"

namespace py = pybind11;

namespace aernet {

void register_errors(py::module_&) {
    py::register_local_exception_translator([](std::exception_ptr pointer) {
        try {
            std::rethrow_exception(pointer);
        } catch (const FrameError& error) {
            py::set_error(py::module_::import("aernet.errors").attr("FrameError"), error.what());
        }
    });
}

}  // namespace aernet
