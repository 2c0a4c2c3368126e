// What each instruction of PTX computes. A function is named as its instruction, with "_" for "."; its template
// arguments are the instruction's types.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace ptx {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s8 = std::int8_t;
using s16 = std::int16_t;
using s32 = std::int32_t;
using s64 = std::int64_t;
using f32 = float;
using pred = bool;

template <class To, class From>
To bits_as(From value) {
    static_assert(sizeof(To) == sizeof(From), "as many bits");
    To result;
    std::memcpy(&result, &value, sizeof result);
    return result;
}

// A register's content as a number of a type, and back. Registers hold bits.
template <class T, class Register>
T get(Register content) {
    if constexpr (std::is_same_v<T, f32>) {
        return bits_as<f32>(static_cast<u32>(content));
    } else {
        return static_cast<T>(content);
    }
}

template <class Register, class T>
void put(Register& target, T value) {
    if constexpr (std::is_same_v<T, f32>) {
        target = bits_as<u32>(value);
    } else {
        target = static_cast<Register>(value);
    }
}

template <class T>
T load(const u8* place, int index) {
    T value;
    std::memcpy(&value, place + index * static_cast<int>(sizeof value), sizeof value);
    return value;
}

template <class T>
void store(u8* place, int index, T value) {
    std::memcpy(place + index * static_cast<int>(sizeof value), &value, sizeof value);
}

// Wraps around at the width of the register, which is 32 bits in shared memory.
template <class Register>
u64 address(Register base, s64 offset) {
    return static_cast<Register>(base + static_cast<Register>(offset));
}

// Whole numbers wrap around, whatever their sign.
template <class T>
using Wrapping =
    std::conditional_t<std::is_same_v<T, f32>, std::common_type<f32>,
                       std::common_type<std::make_unsigned_t<std::conditional_t<std::is_same_v<T, f32>, int, T>>, u32>>;
template <class T>
using wrapping = typename Wrapping<T>::type;

template <class T>
T add(T a, T b) {
    return static_cast<T>(static_cast<wrapping<T>>(a) + static_cast<wrapping<T>>(b));
}
template <class T>
T sub(T a, T b) {
    return static_cast<T>(static_cast<wrapping<T>>(a) - static_cast<wrapping<T>>(b));
}
template <class T>
T mul_lo(T a, T b) {
    return static_cast<T>(static_cast<wrapping<T>>(a) * static_cast<wrapping<T>>(b));
}
template <class T>
T mad_lo(T a, T b, T c) {
    return add<T>(mul_lo<T>(a, b), c);
}
template <class T>
using twice_as_wide = std::conditional_t<sizeof(T) == 2, std::conditional_t<std::is_signed_v<T>, s32, u32>,
                                         std::conditional_t<std::is_signed_v<T>, s64, u64>>;
template <class T>
auto mul_wide(T a, T b) {
    return static_cast<twice_as_wide<T>>(static_cast<twice_as_wide<T>>(a) * static_cast<twice_as_wide<T>>(b));
}
template <class T>
auto mad_wide(T a, T b, twice_as_wide<T> c) {
    return add<twice_as_wide<T>>(mul_wide<T>(a, b), c);
}
template <class T>
T mul_hi(T a, T b) {
    return static_cast<T>(mul_wide<T>(a, b) >> 8 * sizeof(T));
}
template <class T>
T div(T a, T b) {
    return static_cast<T>(a / b);
}
template <class T>
T rem(T a, T b) {
    return static_cast<T>(a % b);
}
template <class T>
T neg(T a) {
    return sub<T>(T{}, a);
}
template <class T>
T min(T a, T b) {
    if constexpr (std::is_same_v<T, f32>) {
        return std::fmin(a, b);
    } else {
        return std::min(a, b);
    }
}
template <class T>
T max(T a, T b) {
    if constexpr (std::is_same_v<T, f32>) {
        return std::fmax(a, b);
    } else {
        return std::max(a, b);
    }
}

template <class T>
f32 mul(T a, T b) {
    return a * b;
}
template <class T>
f32 fma_rn(T a, T b, T c) {
    return std::fma(a, b, c);
}
// The GPU's own results are within two units in the last place.
template <class T>
f32 div_full(T a, T b) {
    return a / b;
}
template <class T>
f32 rcp_approx(T a) {
    return 1.0F / a;
}

template <class T>
T mov(T a) {
    return a;
}
template <class T>
u32 upper(T a) {
    return static_cast<u32>(a >> 32);
}
template <class T>
T selp(T a, T b, pred chosen) {
    return chosen ? a : b;
}

// `and`, `or`, `not` and `xor` are operators in C++.
template <class T>
T bits_and(T a, T b) {
    return static_cast<T>(a & b);
}
template <class T>
T bits_or(T a, T b) {
    return static_cast<T>(a | b);
}
template <class T>
T bits_xor(T a, T b) {
    return static_cast<T>(a ^ b);
}
template <class T>
T bits_not(T a) {
    if constexpr (std::is_same_v<T, pred>) {
        return !a;
    } else {
        return static_cast<T>(~a);
    }
}
template <class T>
T shl(T a, u32 count) {
    return count < 8 * sizeof(T) ? static_cast<T>(a << count) : T{};
}
template <class T>
T shr(T a, u32 count) {
    return static_cast<T>(a >> std::min<u32>(count, 8 * sizeof(T) - 1) >> (count < 8 * sizeof(T) ? 0 : 1));
}
template <class T>
T bfe(T a, T position, T length) {
    static_assert(std::is_same_v<T, u32>, "other types extend the sign");
    return static_cast<u32>(static_cast<u64>(shr<u32>(a, position & 0xffU)) &
                            ((u64{1} << std::min(length & 0xffU, 32U)) - 1));
}
template <class T>
T bfi(T field, T base, u32 position, u32 length) {
    const T ones = length < 8 * sizeof(T) ? static_cast<T>((T{1} << length) - 1) : static_cast<T>(~T{0});
    return static_cast<T>((base & ~shl<T>(ones, position)) | shl<T>(field & ones, position));
}
template <class T>
T prmt(T a, T b, T selectors) {
    const u64 bytes = static_cast<u64>(b) << 32 | a;
    u32 result = 0;
    for (u32 i = 0; i < 4; ++i) {
        const u32 selector = selectors >> 4 * i & 0xfU;
        const u32 byte = static_cast<u32>(bytes >> 8 * (selector & 7U)) & 0xffU;
        result |= ((selector & 8U) == 0 ? byte : byte >> 7 == 1 ? 0xffU : 0U) << 8 * i;
    }
    return result;
}
template <class A, class B>
u32 dp2a_lo(u32 a, u32 b, u32 c) {
    static_assert(std::is_same_v<A, u32> && std::is_same_v<B, u32>, "other types extend the sign");
    return c + (a & 0xffffU) * (b & 0xffU) + (a >> 16) * (b >> 8 & 0xffU);
}
template <class A, class B>
u32 dp2a_hi(u32 a, u32 b, u32 c) {
    return dp2a_lo<A, B>(a, b >> 16, c);
}

template <class T>
pred setp_eq(T a, T b) {
    return a == b;
}
template <class T>
pred setp_ne(T a, T b) {
    return a != b;
}
template <class T>
pred setp_lt(T a, T b) {
    return a < b;
}
template <class T>
pred setp_le(T a, T b) {
    return a <= b;
}
template <class T>
pred setp_gt(T a, T b) {
    return a > b;
}
template <class T>
pred setp_ge(T a, T b) {
    return a >= b;
}

// Into two bytes below the lower half of `c`.
template <class To, class From, class C>
u32 cvt_pack_sat(From a, From b, C c) {
    static_assert(std::is_same_v<To, u8>, "other types take other shifts");
    const auto byte = [](From value) { return static_cast<u32>(std::clamp<From>(value, 0, 255)); };
    return c << 16 | byte(a) << 8 | byte(b);
}
template <class To, class From>
To cvt(From a) {
    return static_cast<To>(a);
}
template <class To, class From>
To cvt_rn(From a) {
    return static_cast<To>(a);
}
template <class To, class From>
To cvt_rni(From a) {
    return std::rint(a);
}
template <class To, class From>
To cvt_rzi(From a) {
    const f32 most = static_cast<f32>(std::numeric_limits<To>::max());
    return a >= most                                              ? std::numeric_limits<To>::max()
           : a > static_cast<f32>(std::numeric_limits<To>::min()) ? static_cast<To>(a)
                                                                  : std::numeric_limits<To>::min();
}

}  // namespace ptx
