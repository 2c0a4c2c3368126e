#pragma once

#include <cuda_runtime.h>

#include <utility>

#include "core/grid.h"

namespace aernet {

template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), const Grid& grid, const Grid& block, cudaStream_t stream,
                   Arguments&&... arguments) {
    const auto dimensions = [](const Grid& counts) {
        return dim3(static_cast<unsigned>(counts.x), static_cast<unsigned>(counts.y), static_cast<unsigned>(counts.z));
    };
    cudaLaunchConfig_t config{};
    config.gridDim = dimensions(grid);
    config.blockDim = dimensions(block);
    config.stream = stream;
    return cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
}

}  // namespace aernet
