#include "core/image.h"

#include "core/errors.h"

namespace aernet {

namespace {

Image nv12_image(const ByteArray& array) {
    const auto& shape = array.shape;
    if (shape.size() != 2 || shape[0] % 3 != 0 || shape[1] % 2 != 0) {
        throw FrameError("frame: expected NV12, uint8, (H * 3 / 2) x W with even sides, found " + shape_text(shape));
    }
    const auto height = shape[0] / 3 * 2;
    const auto row_stride = array.strides[0];
    return {array.data,
            height,
            shape[1],
            row_stride,
            array.strides[1],
            0,
            array.data + height * row_stride,
            row_stride,
            PixelFormat::kNv12};
}

// Whether the bytes of each row lie side by side; the stride of an axis with one element means nothing.
bool has_whole_rows(const ByteArray& array) {
    std::ptrdiff_t expected = 1;
    for (auto axis = array.shape.size() - 1; axis > 0; --axis) {
        if (array.shape[axis] != 1 && array.strides[axis] != expected) {
            return false;
        }
        expected *= array.shape[axis];
    }
    return true;
}

Image interleaved_image(const ByteArray& array, bool red_first) {
    const auto& shape = array.shape;
    const bool has_channels = shape.size() == 3;
    const auto channels = has_channels ? shape[2] : 1;
    if ((shape.size() != 2 && !has_channels) || (channels != 1 && channels != 3 && channels != 4)) {
        throw FrameError("frame: expected H x W x 3, H x W x 4 (the fourth is ignored) or H x W (gray), found " +
                         shape_text(shape));
    }
    Image image{array.data, shape[0], shape[1], array.strides[0], array.strides[1], 0, nullptr, 0, PixelFormat::kGray};
    if (channels == 1) {
        return image;
    }
    image.channel_stride = array.strides[2];
    if (image.channel_stride == -1) {  // a reversed view is the other order of the channels
        image.data -= 2;
        image.channel_stride = 1;
        red_first = !red_first;
    }
    if (channels == 3) {
        image.format = red_first ? PixelFormat::kRgb : PixelFormat::kBgr;
    } else {
        image.format = red_first ? PixelFormat::kRgba : PixelFormat::kBgra;
    }
    return image;
}

}  // namespace

std::string shape_text(const std::vector<std::ptrdiff_t>& shape) {
    std::string text;
    for (const auto side : shape) {
        text += (text.empty() ? "" : " x ") + std::to_string(side);
    }
    return text.empty() ? "a single number" : text;
}

void check_side(std::ptrdiff_t side, const std::string& what) {
    if (side < 1 || side > kLongestSide) {
        throw FrameError(what + ": expected 1 to " + std::to_string(kLongestSide) + " pixels, found " +
                         std::to_string(side));
    }
}

Image image_of(const ByteArray& array, const std::string& pixel_format) {
    if (pixel_format != "bgr" && pixel_format != "rgb" && pixel_format != "nv12") {
        throw FrameError("colour: expected 'bgr', 'rgb' or 'nv12', found '" + pixel_format + "'");
    }
    const auto image = pixel_format == "nv12" ? nv12_image(array) : interleaved_image(array, pixel_format == "rgb");
    check_side(image.height, "frame height");
    check_side(image.width, "frame width");
    return image;
}

Image image_of(const ByteArray& luma, const ByteArray& chroma, YuvMatrix matrix, bool full_range) {
    if (luma.shape.size() != 2) {
        throw FrameError("frame: expected luma of H x W, found " + shape_text(luma.shape));
    }
    const auto height = luma.shape[0];
    const auto width = luma.shape[1];
    check_side(height, "frame height");
    check_side(width, "frame width");
    const std::vector<std::ptrdiff_t> pairs{(height + 1) / 2, (width + 1) / 2, 2};
    const std::vector<std::ptrdiff_t> flat{pairs[0], 2 * pairs[1]};
    if (chroma.shape != pairs && chroma.shape != flat) {
        throw FrameError("frame: expected chroma of " + shape_text(flat) + " or " + shape_text(pairs) +
                         " for luma of " + shape_text(luma.shape) + ", found " + shape_text(chroma.shape));
    }
    if (!has_whole_rows(luma) || !has_whole_rows(chroma)) {
        throw FrameError("frame: expected planes whose rows have no gaps between their bytes; make them contiguous");
    }
    return {luma.data,          height, width,     luma.strides[0], 1, 0, chroma.data, chroma.strides[0],
            PixelFormat::kNv12, matrix, full_range};
}

}  // namespace aernet
