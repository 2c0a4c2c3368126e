#pragma once

#include "core/host_device.h"

namespace aernet {

// The blocks of a launch, or the place of one of them.
struct Grid {
    int x;
    int y;
    int z;
};

// How many blocks of `block` cover `count`.
AERNET_HOST_DEVICE constexpr int blocks_for(int count, int block) { return (count + block - 1) / block; }

}  // namespace aernet
