#include "cpu/mask.h"

#include <cstdint>
#include <string>

#include "core/errors.h"
#include "python/bindings.h"

namespace py = pybind11;

namespace aernet {

namespace {

Probability probability_of(const py::array& array) {
    if (array.ndim() != 2) {
        throw FrameError("probability: expected H x W, found " + shape_text(array));
    }
    check_side(array.shape(0), "probability height");
    check_side(array.shape(1), "probability width");
    return {static_cast<const std::uint8_t*>(array.data()), array.shape(0), array.shape(1), array.strides(0),
            array.strides(1)};
}

py::array_t<std::uint8_t> mask_of(const py::object& probability, py::ssize_t height, py::ssize_t width,
                                  double threshold) {
    const auto array = array_of(probability, py::dtype::of<float>(), "probability");
    check_side(height, "mask height");
    check_side(width, "mask width");
    if (!(threshold > 0.0 && threshold < 1.0)) {
        throw FrameError("threshold: expected a number between 0 and 1, both excluded, found " +
                         py::str(py::float_(threshold)).cast<std::string>());
    }
    const auto view = probability_of(array);
    py::array_t<std::uint8_t> mask({height, width});
    std::uint8_t* pixels = mask.mutable_data();
    {
        const py::gil_scoped_release released;
        mask_from_probability(view, height, width, static_cast<float>(threshold), pixels);
    }
    return mask;
}

}  // namespace

void register_mask(py::module_& module) {
    module.def("mask_from_probability", &mask_of, py::arg("probability"), py::arg("height"), py::arg("width"),
               py::arg("threshold") = 0.5, R"(Bring a probability map to the frame's size and threshold it.

The map is interpolated (bilinear, half-pixel centres); a pixel is lesion where the result is at least `threshold`.

Args:
    probability: float32, h x w, values within [0, 1], any strides.
    height: height of the mask in pixels, 1 to 16384.
    width: width of the mask in pixels, 1 to 16384.
    threshold: between 0 and 1, both excluded.

Returns:
    uint8, (height, width): 255 on the lesion, 0 elsewhere.

Raises:
    FrameError: an argument is not as above, or the map holds NaN or a value outside [0, 1].
)");
}

}  // namespace aernet
