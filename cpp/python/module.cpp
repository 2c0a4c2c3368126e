#include "python/bindings.h"

PYBIND11_MODULE(_native, module, pybind11::mod_gil_not_used()) {
    module.doc() = "From a frame to the network's input, and from a probability map to a mask.";
    module.attr("__version__") = AERNET_VERSION;
#ifdef AERNET_CUDA
    aernet::register_device(module);
#else
    module.attr("cuda_version") = pybind11::none();
#endif
    aernet::register_errors(module);
    aernet::register_mask(module);
    aernet::register_nv12(module);
    aernet::register_preprocess(module);
    aernet::register_threads(module);
}
