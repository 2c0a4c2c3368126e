#pragma once

#include <cstddef>
#include <vector>

namespace aernet {

// One output sample as a weighted sum of the input samples from `first` to `last`; those between the two ends all
// weigh `inner_weight`.
struct Taps {
    std::ptrdiff_t first;
    std::ptrdiff_t last;
    float first_weight;
    float inner_weight;
    float last_weight;
};

// The place of an output sample between input samples `index` and `index + 1`.
struct Position {
    std::ptrdiff_t index;
    float fraction;
};

// Half-pixel centres, clamped at the edges: `index` is within [0, max(0, input - 2)] and `fraction` within [0, 1].
Position bilinear_position(std::ptrdiff_t output_index, std::ptrdiff_t input, std::ptrdiff_t output);

// Each output sample is the mean of the input interval that it covers, cut samples counting by their share.
// Needs input >= output.
void area_taps(std::ptrdiff_t input, std::ptrdiff_t output, std::vector<Taps>& taps);

void bilinear_taps(std::ptrdiff_t input, std::ptrdiff_t output, std::vector<Taps>& taps);

}  // namespace aernet
