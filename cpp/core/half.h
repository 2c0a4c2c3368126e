#pragma once

#include <cstdint>
#include <cstring>

#include "core/host_device.h"

namespace aernet {

// IEEE 754 binary16, as a tensor holds it.
struct Half {
    std::uint16_t bits;
};

AERNET_HOST_DEVICE static inline void store(float value, float* target) { *target = value; }

// Rounds a value within [0, 1] to the nearest. The scale brings the exponent to binary16's place.
AERNET_HOST_DEVICE static inline void store(float value, Half* target) {
    const float scaled = value * 0x1p-112F;
    std::uint32_t bits;
    std::memcpy(&bits, &scaled, sizeof bits);
    bits += 0xfffU + (bits >> 13 & 1U);
    target->bits = static_cast<std::uint16_t>(bits >> 13);
}

AERNET_HOST_DEVICE static inline float load(const float* source) { return *source; }

AERNET_HOST_DEVICE static inline float load(const Half* source) {
    const std::uint32_t half = source->bits;
    const bool is_finite = (half & 0x7c00U) != 0x7c00U;
    const std::uint32_t bits = (half & 0x8000U) << 16 | (half & 0x7fffU) << 13 | (is_finite ? 0U : 0x70000000U);
    float scaled;
    std::memcpy(&scaled, &bits, sizeof scaled);
    return is_finite ? scaled * 0x1p112F : scaled;
}

}  // namespace aernet
