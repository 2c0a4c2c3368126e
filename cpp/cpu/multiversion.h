#pragma once

#include <cstddef>  // defines __GLIBC__, where that is the C library

// Compiles a hot loop once for each x86-64 level and picks one when the library loads. Elsewhere the target's baseline
// already has the vectors (NEON), or compiler or loader have no way to pick. What picks would call the thread sanitizer
// before the loader has found that.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__) && \
    !defined(__SANITIZE_THREAD__)
#define AERNET_MULTIVERSION __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define AERNET_MULTIVERSION
#endif
