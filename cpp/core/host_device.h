#pragma once

// Marks what runs on the host and in a kernel alike.
#if defined(__CUDACC__)
#define AERNET_HOST_DEVICE __host__ __device__
#else
#define AERNET_HOST_DEVICE
#endif

// Before a loop in a kernel: unrolls it by `count`.
#if defined(__CUDA_ARCH__)
#define AERNET_PRAGMA(text) _Pragma(#text)
#define AERNET_UNROLL(count) AERNET_PRAGMA(unroll count)
#else
#define AERNET_UNROLL(count)
#endif
