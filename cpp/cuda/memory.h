#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "cuda/device.h"

namespace aernet {

// Where memory lies: on the device, or page-locked on the host, where the device reaches it.
enum class Memory { kDevice, kHost };

class Block {
   public:
    Block(std::shared_ptr<const Device> device, Memory memory, std::size_t bytes);
    ~Block();
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    std::uint8_t* data() const { return data_; }
    std::size_t bytes() const { return bytes_; }
    // The same memory as kernels address it.
    std::uint8_t* on_device() const { return on_device_; }

    // Plain copies from and to host memory, which are over when they return.
    void copy_from(const void* source, std::size_t bytes) const;
    void copy_to(void* target, std::size_t bytes) const;

   private:
    std::shared_ptr<const Device> device_;
    Memory memory_;
    std::size_t bytes_;
    std::uint8_t* data_ = nullptr;
    std::uint8_t* on_device_ = nullptr;
};

// Blocks that are used again when their last user lets go of them, which any thread may do.
class BlockPool : public std::enable_shared_from_this<BlockPool> {
   public:
    BlockPool(std::shared_ptr<const Device> device, Memory memory) : device_(std::move(device)), memory_(memory) {}

    // Of at least `bytes`.
    std::shared_ptr<Block> take(std::size_t bytes);
    std::size_t in_use();

   private:
    void give_back(std::unique_ptr<Block> block);

    std::shared_ptr<const Device> device_;
    Memory memory_;
    std::mutex mutex_;
    std::size_t in_use_ = 0;
    std::vector<std::unique_ptr<Block>> free_;
};

}  // namespace aernet
