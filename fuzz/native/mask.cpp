// Probability maps of any shape and strides, with any numbers -> masks.

#include "cpu/mask.h"

#include <cmath>
#include <cstdlib>

#include "core/errors.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const auto height = input.within(1, 90);
    const auto width = input.within(1, 90);
    const auto threshold = static_cast<float>(input.within(1, 999)) / 1000.0F;
    const bool any_bits = input.byte() % 4 == 0;
    Strided map(input, {input.within(1, 40), input.within(1, 40)}, sizeof(float));
    if (map.data == nullptr) {
        return 0;
    }
    if (!any_bits) {  // else nearly all maps would be refused
        for (std::ptrdiff_t row = 0; row < map.shape[0]; ++row) {
            for (std::ptrdiff_t column = 0; column < map.shape[1]; ++column) {
                auto* place = const_cast<std::uint8_t*>(map.data) + row * map.strides[0] + column * map.strides[1];
                const float value = static_cast<float>(*place) / 255.0F;
                const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
                std::copy(bytes, bytes + sizeof(float), place);
            }
        }
    }
    const auto mask = std::make_unique<std::uint8_t[]>(static_cast<std::size_t>(height * width));
    try {
        aernet::mask_from_probability({map.data, map.shape[0], map.shape[1], map.strides[0], map.strides[1]}, height,
                                      width, threshold, mask.get());
        for (std::ptrdiff_t i = 0; i < height * width; ++i) {
            if (mask[static_cast<std::size_t>(i)] != 0 && mask[static_cast<std::size_t>(i)] != 255) {
                std::abort();
            }
        }
    } catch (const aernet::FrameError&) {
    }
    return 0;
}
