#pragma once

#include <cstddef>

#include "core/image.h"

namespace aernet {

// Image -> size x size (area averaging where no side grows, else bilinear) -> CIELAB in [0, 1], three planes.
// `tensor` holds 3 * size * size numbers.
void preprocess(const Image& image, std::ptrdiff_t size, float* tensor);

}  // namespace aernet
