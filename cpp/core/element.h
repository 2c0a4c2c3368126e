#pragma once

namespace aernet {

// The numbers of a tensor in device memory.
enum class Element { kFloat32, kFloat16 };

}  // namespace aernet
