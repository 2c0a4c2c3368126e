#include "core/resampling.h"

#include <algorithm>
#include <cmath>

#include "core/shares.h"

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
    const auto weight = [input](int share) {
        return static_cast<float>(static_cast<double>(share) / static_cast<double>(input));
    };
    for (std::ptrdiff_t index = 0; index < output; ++index) {
        const Shares shares = area_shares(static_cast<int>(index), static_cast<int>(input), static_cast<int>(output));
        taps.push_back({shares.first, shares.last, weight(shares.first_weight), weight(shares.inner_weight),
                        weight(shares.last_weight)});
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
