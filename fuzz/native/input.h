#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

// Takes numbers off the front of a fuzzer's input; zeros once it is used up.
class Input {
   public:
    Input(const std::uint8_t* data, std::size_t size) : next_(data), end_(data + size) {}

    std::ptrdiff_t byte() { return next_ == end_ ? 0 : *next_++; }

    // One of `first`, ..., `last`.
    std::ptrdiff_t within(std::ptrdiff_t first, std::ptrdiff_t last) {
        return first + (byte() << 8 | byte()) % (last - first + 1);
    }

    const std::uint8_t* next() const { return next_; }
    std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }

   private:
    const std::uint8_t* next_;
    const std::uint8_t* end_;
};

// An array of any shape and strides, in a buffer that ends with its outermost elements on either side, so that a
// sanitizer sees every byte beside it that is touched. The bytes are those left of the input, over and over.
struct Strided {
    std::vector<std::ptrdiff_t> shape;
    std::vector<std::ptrdiff_t> strides;
    std::unique_ptr<std::uint8_t[]> buffer;
    const std::uint8_t* data = nullptr;  // null if it would be too large to try

    Strided(Input& input, std::vector<std::ptrdiff_t> its_shape, std::ptrdiff_t item) : shape(std::move(its_shape)) {
        std::ptrdiff_t dense = item;
        std::vector<std::ptrdiff_t> order(shape.size());
        for (std::size_t axis = 0; axis < shape.size(); ++axis) {
            order[axis] = static_cast<std::ptrdiff_t>(axis);
        }
        if (input.byte() % 2 != 0) {
            std::reverse(order.begin(), order.end());  // the first axis is the fastest, as in Fortran
        }
        strides.resize(shape.size());
        for (auto place = order.rbegin(); place != order.rend(); ++place) {
            const auto axis = static_cast<std::size_t>(*place);
            const auto kind = input.byte() % 6;
            strides[axis] = kind == 0 ? 0 : kind == 1 ? -dense : kind == 2 ? dense + input.within(0, 40) : dense;
            if (kind == 5) {
                strides[axis] = input.within(-60, 60);  // overlapping, unaligned
            }
            dense *= std::max<std::ptrdiff_t>(1, shape[axis]);
        }
        std::ptrdiff_t before = 0;
        std::ptrdiff_t after = item;
        for (std::size_t axis = 0; axis < shape.size(); ++axis) {
            const auto extent = (std::max<std::ptrdiff_t>(1, shape[axis]) - 1) * strides[axis];
            (extent < 0 ? before : after) += extent;
        }
        if (after - before > 1 << 20) {
            return;
        }
        const auto bytes = static_cast<std::size_t>(after - before);
        buffer = std::make_unique<std::uint8_t[]>(bytes);
        for (std::size_t i = 0; i < bytes; ++i) {
            buffer[i] = input.left() == 0 ? static_cast<std::uint8_t>(i) : input.next()[i % input.left()];
        }
        data = buffer.get() - before;
    }
};
