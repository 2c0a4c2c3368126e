#pragma once

#include <cstddef>

namespace aernet {

// The numbers of a tensor in device memory.
enum class Element { kFloat32, kFloat16 };

constexpr std::size_t bytes_of(Element element) { return element == Element::kFloat16 ? 2 : 4; }

}  // namespace aernet
