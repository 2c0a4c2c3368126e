#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "cuda/device.h"

namespace aernet {

// Where memory lies: on the device, or page-locked on the host, where the device reaches it.
enum class Memory : std::size_t { kDevice, kHost };

class Block {
   public:
    Block(std::shared_ptr<const Device> device, Memory memory, std::size_t bytes);
    ~Block();
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    Memory memory() const { return memory_; }
    std::uint8_t* data() const { return data_; }
    std::size_t bytes() const { return bytes_; }
    // The same memory as kernels address it.
    std::uint8_t* on_device() const { return on_device_; }

    // Plain copies from and to host memory, which are over when they return.
    void copy_from(const void* source, std::size_t bytes) const;
    void copy_to(void* target, std::size_t bytes) const;

   private:
    friend class StreamMemory;

    std::shared_ptr<const Device> device_;
    Memory memory_;
    std::size_t bytes_;
    std::uint8_t* data_ = nullptr;
    std::uint8_t* on_device_ = nullptr;
    std::atomic<bool> is_shared_{false};
    std::shared_ptr<const Event> left_;  // the end of what another library had queued when it was released
};

// A stream with the memory of what is made on it. Any thread may release a block while its
// work is still queued: the next user's work is queued behind it.
class StreamMemory : public std::enable_shared_from_this<StreamMemory> {
   public:
    explicit StreamMemory(std::shared_ptr<const Device> device) : device_(std::move(device)), stream_(device_) {}
    // Waits for the stream.
    ~StreamMemory();

    const std::shared_ptr<const Device>& device() const { return device_; }
    cudaStream_t stream() const { return stream_.get(); }

    // Of at least `bytes`.
    std::shared_ptr<Block> take(Memory memory, std::size_t bytes);
    // Says that another library may work in the block on its default stream, even after releasing it.
    static void share(Block& block) { block.is_shared_ = true; }
    // Whether so much page-locked memory is in use that results should be copied into ordinary memory.
    bool is_short_of_locked();

   private:
    struct Blocks {
        std::size_t in_use = 0;
        std::multimap<std::size_t, std::unique_ptr<Block>> free;  // by size
    };

    void give_back(Memory memory, std::unique_ptr<Block> block);
    void wait() const;

    std::shared_ptr<const Device> device_;
    Stream stream_;
    std::mutex mutex_;
    std::array<Blocks, 2> blocks_;
};

}  // namespace aernet
