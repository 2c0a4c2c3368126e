#pragma once

#include <nvbufsurface.h>

#include <cstdint>

namespace fake_nvmm {

// A surface in the fake GPU's memory, and its end.
NvBufSurface* make(std::uint32_t width, std::uint32_t height, NvBufSurfaceColorFormat format,
                   NvBufSurfaceLayout layout);
void destroy(NvBufSurface* surface);

// The picture of a surface, into one of the same size and any layout.
void copy(const NvBufSurface* from, const NvBufSurface* to);

// Notes what happens to a surface.
void note(const char* what, const NvBufSurface* surface);

}  // namespace fake_nvmm
