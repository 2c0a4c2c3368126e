#pragma once

#include <cstdint>
#include <cstring>

#include "core/host_device.h"

namespace aernet {

// CIELAB scaled for the network: L / 100, (a + 128) / 255, (b + 128) / 255, each within [0, 1].
struct Lab {
    float lightness;
    float a;
    float b;
};

// IEC 61966-2-1, decoding of a value in [0, 1]; absolute error below 2e-6.
// The power ((value + 0.055) / 1.055)^2.4 is its minimax polynomial on [0.04045, 1].
AERNET_HOST_DEVICE static inline float linear_from_srgb(float value) {
    float power = 0.0621726997F;
    power = power * value - 0.277593434F;
    power = power * value + 0.544319153F;
    power = power * value - 0.663287103F;
    power = power * value + 0.804610312F;
    power = power * value + 0.494245946F;
    power = power * value + 0.0346640199F;
    power = power * value + 0.000870130956F;
    const float line = value * (1.0F / 12.92F);
    return value <= 0.04045F ? line : power;
}

// Cube root of a positive normal number; relative error below 1e-6.
// A third of the exponent's bits is within 4 %, and each step of Halley's method cubes that error.
AERNET_HOST_DEVICE static inline float cube_root(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits = bits / 3U + 0x2a5119f2U;
    float root;
    std::memcpy(&root, &bits, sizeof root);
    for (int step = 0; step < 2; ++step) {
        const float cube = root * root * root;
        root *= (cube + 2.0F * value) / (2.0F * cube + value);
    }
    return root;
}

// CIE 15: f(t) of CIELAB, the cube root above (6 / 29)^3 and its tangent below.
AERNET_HOST_DEVICE static inline float lab_response(float ratio) {
    const float root = cube_root(ratio);
    const float tangent = ratio * (841.0F / 108.0F) + 4.0F / 29.0F;
    return ratio > 216.0F / 24389.0F ? root : tangent;
}

AERNET_HOST_DEVICE static inline float clipped_to_unit(float value) {
    const float positive = value > 0.0F ? value : 0.0F;
    return positive < 1.0F ? positive : 1.0F;
}

// sRGB in [0, 1] -> linear -> XYZ relative to the D65 white -> CIELAB; absolute error below 5e-5.
AERNET_HOST_DEVICE static inline Lab lab_from_srgb(float red, float green, float blue) {
    const float r = linear_from_srgb(red);
    const float g = linear_from_srgb(green);
    const float b = linear_from_srgb(blue);
    const float x = (0.412453F * r + 0.357580F * g + 0.180423F * b) * (1.0F / 0.950456F);
    const float y = 0.212671F * r + 0.715160F * g + 0.072169F * b;
    const float z = (0.019334F * r + 0.119193F * g + 0.950227F * b) * (1.0F / 1.088754F);
    const float fx = lab_response(x);
    const float fy = lab_response(y);
    const float fz = lab_response(z);
    return {clipped_to_unit(1.16F * fy - 0.16F), clipped_to_unit((500.0F * (fx - fy) + 128.0F) * (1.0F / 255.0F)),
            clipped_to_unit((200.0F * (fy - fz) + 128.0F) * (1.0F / 255.0F))};
}

}  // namespace aernet
