#pragma once

#include <cstdint>

// The structures of DLPack 0.8 as they lie in memory (https://dmlc.github.io/dlpack/latest/c_api.html).
namespace aernet::dlpack {

constexpr auto kTensor = "dltensor";  // names of capsules
constexpr auto kUsedTensor = "used_dltensor";
constexpr std::int32_t kCuda = 2;
constexpr std::int32_t kCudaManaged = 13;
constexpr std::uint8_t kUnsigned = 1;

struct Device {
    std::int32_t type;
    std::int32_t index;
};

struct DataType {
    std::uint8_t code;
    std::uint8_t bits;
    std::uint16_t lanes;
};

struct Tensor {
    void* data;
    Device device;
    std::int32_t dimensions;
    DataType type;
    std::int64_t* shape;
    std::int64_t* strides;  // in elements; null for an array without gaps
    std::uint64_t byte_offset;
};

struct ManagedTensor {
    Tensor tensor;
    void* context;
    void (*deleter)(ManagedTensor* self);
};

}  // namespace aernet::dlpack
