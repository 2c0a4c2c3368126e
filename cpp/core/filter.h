#pragma once

#include <cstddef>

#include "core/host_device.h"

namespace aernet {

// One output sample as a mean of the input samples from `first` to `last`. The weights are whole numbers, so exact;
// all samples between the two ends weigh `inner_weight`. Sides are at most 16384, or the numbers would not fit.
struct FilterTaps {
    int first;
    int last;
    int first_weight;
    int inner_weight;
    int last_weight;
};

// An output sample between input samples `upper - 1` and `upper`, half-pixel centres: `upper` is within [0, input], and
// the distance to `upper - 1` is rest / (2 * output).
struct SamplePosition {
    int upper;
    int rest;
};

AERNET_HOST_DEVICE static inline SamplePosition sample_position(int index, int input, int output) {
    const unsigned unit = 2U * static_cast<unsigned>(output);
    const unsigned distance = static_cast<unsigned>((2 * index + 1) * input + output);  // to sample -1
    const unsigned upper = distance / unit;
    return {static_cast<int>(upper), static_cast<int>(distance - upper * unit)};
}

// The mean of the interval that the output sample covers; the weights add up to `input`. Needs input >= output.
AERNET_HOST_DEVICE static inline FilterTaps area_taps(int index, int input, int output) {
    const int begin = index * input;
    const int end = begin + input;
    const int first = static_cast<int>(static_cast<unsigned>(begin) / static_cast<unsigned>(output));
    const int last = static_cast<int>(static_cast<unsigned>(end - 1) / static_cast<unsigned>(output));
    if (first == last) {
        return {first, last, input, 0, 0};
    }
    return {first, last, (first + 1) * output - begin, output, end - last * output};
}

// Bilinear, clamped at the edges; the weights add up to 2 * output.
AERNET_HOST_DEVICE static inline FilterTaps bilinear_taps(int index, int input, int output) {
    const SamplePosition position = sample_position(index, input, output);
    const int unit = 2 * output;
    if (position.upper == 0 || position.upper == input) {
        const int edge = position.upper == 0 ? 0 : input - 1;
        return {edge, edge, unit, 0, 0};
    }
    return {position.upper - 1, position.upper, unit - position.rest, 0, position.rest};
}

// How a picture comes to size x size: area averaging where no side grows, else bilinear.
struct Filter {
    bool shrinks;
    float unit;  // scales weighted sums of bytes to [0, 1]

    AERNET_HOST_DEVICE FilterTaps taps(int index, int input, int output) const {
        return shrinks ? area_taps(index, input, output) : bilinear_taps(index, input, output);
    }
};

inline Filter filter_of(std::ptrdiff_t height, std::ptrdiff_t width, std::ptrdiff_t size) {
    const bool shrinks = height >= size && width >= size;
    const double weights = shrinks ? static_cast<double>(height) * static_cast<double>(width)
                                   : 4.0 * static_cast<double>(size) * static_cast<double>(size);
    return {shrinks, static_cast<float>(1.0 / (255.0 * weights))};
}

}  // namespace aernet
