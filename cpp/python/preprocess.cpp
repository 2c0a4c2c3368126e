#include "cpu/preprocess.h"

#include <cstdint>
#include <string>

#include "core/errors.h"
#include "python/bindings.h"

namespace py = pybind11;

namespace aernet {

bool is_red_first(const std::string& colour) {
    if (colour != "bgr" && colour != "rgb") {
        throw FrameError("colour: expected 'bgr' or 'rgb', found '" + colour + "'");
    }
    return colour == "rgb";
}

Frame frame_of(const py::array& array, bool red_first) {
    const bool has_channels = array.ndim() == 3;
    const auto channels = has_channels ? array.shape(2) : 1;
    if ((array.ndim() != 2 && !has_channels) || (channels != 1 && channels != 3 && channels != 4)) {
        throw FrameError("frame: expected H x W x 3, H x W x 4 (the fourth is ignored) or H x W (gray), found " +
                         shape_text(array));
    }
    check_side(array.shape(0), "frame height");
    check_side(array.shape(1), "frame width");
    Frame frame{static_cast<const std::uint8_t*>(array.data()),
                array.shape(0),
                array.shape(1),
                array.strides(0),
                array.strides(1),
                channels == 1 ? 0 : array.strides(2),  // the three channels of a gray frame are one
                red_first};
    if (frame.channel_stride == -1) {  // a reversed view is the other order of the channels
        frame.data -= 2;
        frame.channel_stride = 1;
        frame.red_first = !frame.red_first;
    }
    return frame;
}

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
    const bool red_first = is_red_first(colour);
    check_side(size, "size");
    const auto array = array_of(frame, py::dtype::of<std::uint8_t>(), "frame");
    const auto view = frame_of(array, red_first);
    auto tensor = tensor_of(out, size);
    float* numbers = tensor.mutable_data();
    {
        const py::gil_scoped_release released;
        preprocess(view, size, numbers);
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
    frame: uint8, H x W x 3; or H x W x 4, the fourth channel ignored; or H x W or H x W x 1, gray. Sides of 1 to 16384
        pixels, any strides; it is never copied whole.
    size: side of the result in pixels, 1 to 16384.
    colour: order of the frame's channels, "bgr" or "rgb".
    out: float32, C-contiguous, (3, size, size): where to put the result instead of a new array.

Returns:
    float32, (3, size, size), planes L, a, b within [0, 1]; `out` if that was given.

Raises:
    FrameError: an argument is not as above.
)");
}

}  // namespace aernet
