#pragma once

#include <cstdint>
#include <cstring>

#include "core/host_device.h"

namespace aernet {

constexpr int kWordBytes = 4;

// Whether an address and the distances from it are multiples of `unit`, and so all that they lead to.
template <class... Distances>
bool are_multiples(std::uintptr_t unit, const void* address, Distances... distances) {
    return ((reinterpret_cast<std::uintptr_t>(address) | ... | static_cast<std::uintptr_t>(distances)) % unit) == 0;
}

// Eight bytes as two little-endian numbers.
struct alignas(8) WordPair {
    std::uint32_t words[2];
};

// Bytes as one little-endian number, or as two; their address is a multiple of its size.
template <class Word>
AERNET_HOST_DEVICE Word load_word(const std::uint8_t* bytes) {
#if defined(__CUDA_ARCH__)
    return *reinterpret_cast<const Word*>(bytes);
#else
    Word word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
#endif
}

// A number made of bytes anywhere, of which only `count` are there.
template <class Word>
AERNET_HOST_DEVICE Word load_bytes(const std::uint8_t* bytes, int count) {
    Word word = 0;
    for (int i = 0; i < static_cast<int>(sizeof word); ++i) {
        word |= i < count ? static_cast<Word>(bytes[i]) << 8 * i : Word{0};
    }
    return word;
}

template <class Word>
AERNET_HOST_DEVICE int byte_of(Word word, int index) {
    return static_cast<int>(word >> 8 * index & 0xffU);
}

// Bytes 0 and 1 (of `upper` 2 and 3) of two words in turn: a, b, a, b.
template <bool upper>
AERNET_HOST_DEVICE std::uint32_t interleaved(std::uint32_t a, std::uint32_t b) {
#if defined(__CUDA_ARCH__)
    std::uint32_t result;  // __byte_perm() would keep the constant in a register
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "n"(upper ? 0x7362 : 0x5140));
    return result;
#else
    const int shift = upper ? 16 : 0;
    const auto byte = [shift](std::uint32_t word, int index) { return word >> (shift + 8 * index) & 0xffU; };
    return byte(a, 0) | byte(b, 0) << 8 | byte(a, 1) << 16 | byte(b, 1) << 24;
#endif
}

// Two numbers, each limited to 0 to 255, as bytes 0 and 1 of a word.
AERNET_HOST_DEVICE static inline std::uint32_t byte_pair(int a, int b) {
#if defined(__CUDA_ARCH__)
    std::uint32_t result;
    asm("cvt.pack.sat.u8.s32.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(b), "r"(a), "n"(0));
    return result;
#else
    const auto byte = [](int value) { return static_cast<std::uint32_t>(value < 0 ? 0 : value > 255 ? 255 : value); };
    return byte(a) | byte(b) << 8;
#endif
}

// `sum` and bytes 0 and 1 (of `upper` 2 and 3) of a word, each times one half of `weights`.
template <bool upper>
AERNET_HOST_DEVICE std::uint32_t add_pair(std::uint32_t weights, std::uint32_t word, std::uint32_t sum) {
#if defined(__CUDA_ARCH__)
    return upper ? __dp2a_hi(weights, word, sum) : __dp2a_lo(weights, word, sum);
#else
    const std::uint32_t pair = upper ? word >> 16 : word;
    return sum + (weights & 0xffffU) * (pair & 0xffU) + (weights >> 16) * (pair >> 8 & 0xffU);
#endif
}

// Writes four words at once; `bytes` is a multiple of sixteen.
AERNET_HOST_DEVICE static inline void store_four_words(const std::uint32_t (&words)[4], std::uint8_t* bytes) {
#if defined(__CUDA_ARCH__)
    *reinterpret_cast<uint4*>(bytes) = make_uint4(words[0], words[1], words[2], words[3]);
#else
    std::memcpy(bytes, words, sizeof words);
#endif
}

// Writes four numbers at once; `target` is a multiple of sixteen.
AERNET_HOST_DEVICE static inline void store_four(float a, float b, float c, float d, float* target) {
#if defined(__CUDA_ARCH__)
    *reinterpret_cast<float4*>(target) = make_float4(a, b, c, d);
#else
    const float numbers[4] = {a, b, c, d};
    std::memcpy(target, numbers, sizeof numbers);
#endif
}

// Writes the first `count` bytes of a word, anywhere.
AERNET_HOST_DEVICE static inline void store_bytes(std::uint32_t word, std::uint8_t* bytes, int count) {
    for (int i = 0; i < kWordBytes; ++i) {
        if (i < count) {
            bytes[i] = static_cast<std::uint8_t>(word >> 8 * i);
        }
    }
}

AERNET_HOST_DEVICE static inline void store_word(std::uint32_t word, std::uint8_t* bytes) {
#if defined(__CUDA_ARCH__)
    *reinterpret_cast<std::uint32_t*>(bytes) = word;
#else
    std::memcpy(bytes, &word, sizeof word);
#endif
}

}  // namespace aernet
