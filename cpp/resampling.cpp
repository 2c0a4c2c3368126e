#include "resampling.h"

#include <algorithm>
#include <cmath>

namespace aernet {

Position bilinear_position(std::ptrdiff_t output_index, std::ptrdiff_t input, std::ptrdiff_t output) {
    const double scale = static_cast<double>(input) / static_cast<double>(output);
    const double centre = (static_cast<double>(output_index) + 0.5) * scale - 0.5;
    const double clamped = std::clamp(centre, 0.0, static_cast<double>(input - 1));
    const auto last_pair = std::max<std::ptrdiff_t>(0, input - 2);
    const auto index = std::min(static_cast<std::ptrdiff_t>(clamped), last_pair);
    return {index, static_cast<float>(clamped - static_cast<double>(index))};
}

void area_taps(std::ptrdiff_t input, std::ptrdiff_t output, std::vector<Taps>& taps) {
    taps.clear();
    const auto weight = [input](std::ptrdiff_t covered) {
        return static_cast<float>(static_cast<double>(covered) / static_cast<double>(input));
    };
    // In units of 1 / output of an input sample all borders are whole numbers, so the shares are exact.
    for (std::ptrdiff_t index = 0; index < output; ++index) {
        const auto begin = index * input;
        const auto end = begin + input;
        const auto first = begin / output;
        const auto last = (end - 1) / output;
        if (first == last) {
            taps.push_back({first, last, 1.0F, 0.0F, 0.0F});
        } else {
            taps.push_back(
                {first, last, weight((first + 1) * output - begin), weight(output), weight(end - last * output)});
        }
    }
}

void bilinear_taps(std::ptrdiff_t input, std::ptrdiff_t output, std::vector<Taps>& taps) {
    taps.clear();
    for (std::ptrdiff_t index = 0; index < output; ++index) {
        const auto position = bilinear_position(index, input, output);
        const auto last = std::min(position.index + 1, input - 1);
        taps.push_back({position.index, last, 1.0F - position.fraction, 0.0F, position.fraction});
    }
}

}  // namespace aernet
