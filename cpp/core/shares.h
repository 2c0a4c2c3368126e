#pragma once

#include "core/host_device.h"

namespace aernet {

// One output sample as a mean of the input samples from `first` to `last`. The weights are whole numbers and so exact:
// those between the two ends all weigh `inner_weight`. Sides are at most 16384, or the numbers would not fit.
struct Shares {
    int first;
    int last;
    int first_weight;
    int inner_weight;
    int last_weight;
};

// The mean of the interval that the output sample covers; the weights add up to `input`. Needs input >= output.
AERNET_HOST_DEVICE static inline Shares area_shares(int index, int input, int output) {
    const int begin = index * input;
    const int end = begin + input;
    const int first = static_cast<int>(static_cast<unsigned>(begin) / static_cast<unsigned>(output));
    const int last = static_cast<int>(static_cast<unsigned>(end - 1) / static_cast<unsigned>(output));
    if (first == last) {
        return {first, last, input, 0, 0};
    }
    return {first, last, (first + 1) * output - begin, output, end - last * output};
}

// The place of an output sample between input samples `upper - 1` and `upper`, half-pixel centres: `upper` is within
// [0, input], and the distance to `upper - 1` is `rest` of 2 * output.
struct Place {
    int upper;
    int rest;
};

AERNET_HOST_DEVICE static inline Place place_of(int index, int input, int output) {
    const unsigned unit = 2U * static_cast<unsigned>(output);
    const unsigned distance = static_cast<unsigned>((2 * index + 1) * input + output);  // to sample -1
    const unsigned upper = distance / unit;
    return {static_cast<int>(upper), static_cast<int>(distance - upper * unit)};
}

// Bilinear, clamped at the edges; the weights add up to 2 * output.
AERNET_HOST_DEVICE static inline Shares bilinear_shares(int index, int input, int output) {
    const Place place = place_of(index, input, output);
    const int unit = 2 * output;
    if (place.upper == 0 || place.upper == input) {
        const int edge = place.upper == 0 ? 0 : input - 1;
        return {edge, edge, unit, 0, 0};
    }
    return {place.upper - 1, place.upper, unit - place.rest, 0, place.rest};
}

}  // namespace aernet
