#include "cpu/preprocess.h"

#include <cstdint>
#include <string>

#include "core/errors.h"
#include "python/bindings.h"

namespace py = pybind11;

namespace aernet {

namespace {

py::array_t<float> tensor_of(const py::object& out, py::ssize_t size) {
    const py::array::ShapeContainer shape{py::ssize_t{3}, size, size};
    if (out.is_none()) {
        return py::array_t<float>(shape);
    }
    auto array = array_of(out, py::dtype::of<float>(), "out");
    const bool fits = array.ndim() == 3 && array.shape(0) == 3 && array.shape(1) == size && array.shape(2) == size;
    const bool contiguous = (array.flags() & py::array::c_style) != 0;
    const bool aligned = reinterpret_cast<std::uintptr_t>(array.data()) % alignof(float) == 0;
    if (!fits || !contiguous || !aligned || !array.writeable()) {
        const std::string side = std::to_string(size);
        throw FrameError("out: expected a writeable C-contiguous array of 3 x " + side + " x " + side + ", found " +
                         (array.writeable() ? "" : "a read-only one of ") + shape_text(array) +
                         (contiguous ? "" : ", not contiguous") + (aligned ? "" : ", not aligned"));
    }
    return py::reinterpret_borrow<py::array_t<float>>(array);
}

py::array_t<float> preprocess_frame(const py::object& frame, py::ssize_t size, const std::string& colour,
                                    const py::object& out) {
    check_side(size, "size");
    const auto image = image_of(frame, colour);
    auto tensor = tensor_of(out, size);
    float* numbers = tensor.mutable_data();
    {
        const py::gil_scoped_release released;
        preprocess(image, size, numbers);
    }
    return tensor;
}

}  // namespace

void register_preprocess(py::module_& module) {
    module.def("preprocess", &preprocess_frame, py::arg("frame"), py::arg("size") = 256, py::arg("colour") = "bgr",
               py::kw_only(), py::arg("out") = py::none(),
               R"(Resize a frame to size x size and express it in CIELAB, as the network takes it.

Where both sides shrink or stay, each pixel is the mean of the area that it covers; else it is interpolated (bilinear,
half-pixel centres). The resized sRGB values (IEC 61966-2-1, kept as fractions) then become CIELAB under D65 and
L / 100, (a + 128) / 255, (b + 128) / 255, clipped to [0, 1]; within 5e-5 of the exact formulae.

Args:
    frame: uint8, H x W x 3; or H x W x 4, the fourth channel ignored; or H x W or H x W x 1, gray; or NV12,
        (H * 3 / 2) x W, the rows of chroma below those of luma, both sides even, BT.601 in limited range. Sides of 1 to
        16384 pixels, any strides; it is never copied whole. Or an `Nv12Frame`, whatever the colour.
    size: side of the result in pixels, 1 to 16384.
    colour: the frame's pixel format: "bgr" or "rgb", of gray frames either, or "nv12".
    out: float32, C-contiguous, (3, size, size): where to put the result instead of a new array.

Returns:
    float32, (3, size, size), planes L, a, b within [0, 1]; `out` if that was given.

Raises:
    FrameError: an argument is not as above.
)");
}

}  // namespace aernet
