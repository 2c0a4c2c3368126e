// Frames of any shape, strides and layout -> the network's input.

#include "cpu/preprocess.h"

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/errors.h"
#include "core/image.h"
#include "cpu/nv12.h"
#include "input.h"

namespace {

std::vector<std::ptrdiff_t> shape_of(Input& input) {
    std::vector<std::ptrdiff_t> shape(static_cast<std::size_t>(input.byte() % 5));
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        shape[axis] = axis == 2 ? input.within(0, 5) : input.within(0, 70);
    }
    return shape;
}

aernet::Image image_of(Input& input, const Strided& frame, const Strided& chroma) {
    const aernet::ByteArray array{frame.data, frame.shape, frame.strides};
    if (input.byte() % 4 == 0) {
        const auto matrix = input.byte() % 2 == 0 ? aernet::YuvMatrix::kBt601 : aernet::YuvMatrix::kBt709;
        return aernet::image_of(array, {chroma.data, chroma.shape, chroma.strides}, matrix, input.byte() % 2 == 0);
    }
    const std::vector<std::string> formats{"bgr", "rgb", "nv12", "grey"};
    return aernet::image_of(array, formats[static_cast<std::size_t>(input.byte() % 4)]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const auto side = input.within(1, 40);
    auto shape = shape_of(input);
    auto pairs = shape_of(input);
    if (shape.size() == 2 && input.byte() % 2 == 0) {
        pairs = {(shape[0] + 1) / 2, 2 * ((shape[1] + 1) / 2)};
    }
    const Strided frame(input, shape, 1);
    const Strided chroma(input, pairs, 1);
    if (frame.data == nullptr || chroma.data == nullptr) {
        return 0;
    }
    try {
        const auto image = image_of(input, frame, chroma);
        const auto count = static_cast<std::size_t>(3 * side * side);
        const auto tensor = std::make_unique<float[]>(count);
        aernet::preprocess(image, side, tensor.get());
        for (std::size_t i = 0; i < count; ++i) {
            if (!(tensor[i] >= 0.0F && tensor[i] <= 1.0F)) {
                std::abort();
            }
        }
        if (image.format == aernet::PixelFormat::kNv12) {
            const auto bgr = std::make_unique<std::uint8_t[]>(static_cast<std::size_t>(image.height * image.width * 3));
            aernet::nv12_to_bgr(image, bgr.get());
        }
    } catch (const aernet::FrameError&) {
    }
    return 0;
}
