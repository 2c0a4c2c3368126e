#pragma once

#include <stdexcept>

namespace aernet {

// A frame or a probability map that breaks the contract; `aernet.errors.FrameError` in Python.
class FrameError : public std::invalid_argument {
   public:
    using std::invalid_argument::invalid_argument;
};

}  // namespace aernet
