#include "cuda/memory.h"

#include <string>

namespace aernet {

namespace {

constexpr std::size_t kMostFree = 8;  // blocks that a pool keeps while nobody uses them
constexpr std::size_t kMostLocked = 16;
constexpr std::size_t kGranularity = 1 << 18;

}  // namespace

Block::Block(std::shared_ptr<const Device> device, Memory memory, std::size_t bytes)
    : device_(std::move(device)), memory_(memory), bytes_(bytes) {
    const CurrentDevice current(*device_);
    const auto doing = std::string("allocating ") + std::to_string((bytes >> 20) + 1) + " MiB of " +
                       (memory == Memory::kDevice ? "its memory" : "page-locked memory");
    void* data = nullptr;
    if (memory == Memory::kDevice) {
        device_->check(cudaMalloc(&data, bytes), doing);
        data_ = on_device_ = static_cast<std::uint8_t*>(data);
        return;
    }
    device_->check(cudaHostAlloc(&data, bytes, cudaHostAllocMapped), doing);
    data_ = static_cast<std::uint8_t*>(data);
    void* on_device = nullptr;
    const auto status = cudaHostGetDevicePointer(&on_device, data, 0);
    if (status != cudaSuccess) {
        cudaFreeHost(data);
    }
    device_->check(status, doing);
    on_device_ = static_cast<std::uint8_t*>(on_device);
}

Block::~Block() {
    clean_up(*device_, [this] {
        if (memory_ == Memory::kDevice) {
            cudaFree(data_);
        } else {
            cudaFreeHost(data_);
        }
    });
}

void Block::copy_from(const void* source, std::size_t bytes) const {
    const CurrentDevice current(*device_);
    device_->check(cudaMemcpy(data_, source, bytes, cudaMemcpyDefault), "copying");
}

void Block::copy_to(void* target, std::size_t bytes) const {
    const CurrentDevice current(*device_);
    device_->check(cudaMemcpy(target, data_, bytes, cudaMemcpyDefault), "copying");
}

StreamMemory::~StreamMemory() { wait(); }

std::shared_ptr<Block> StreamMemory::take(Memory memory, std::size_t bytes) {
    bytes = (bytes + kGranularity - 1) / kGranularity * kGranularity;
    std::unique_ptr<Block> block;
    std::unique_ptr<Block> too_small;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        auto& [in_use, free] = blocks_[static_cast<std::size_t>(memory)];
        auto found = free.lower_bound(bytes);
        if (found != free.end()) {
            block = std::move(found->second);
            free.erase(found);
        } else if (!free.empty()) {
            too_small = std::move((--found)->second);  // makes room for one that is not
            free.erase(found);
        }
        ++in_use;
    }
    try {
        if (too_small) {
            wait();
            too_small.reset();
        }
        if (!block) {
            block = std::make_unique<Block>(device_, memory, bytes);
        } else if (const auto left = std::exchange(block->left_, nullptr)) {
            left->hold(stream(), "waiting for another library's work");
        }
    } catch (...) {
        give_back(memory, std::move(block));
        throw;
    }
    return {block.release(), [pool = shared_from_this()](Block* used) {
                pool->give_back(used->memory(), std::unique_ptr<Block>(used));
            }};
}

bool StreamMemory::is_short_of_locked() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return blocks_[static_cast<std::size_t>(Memory::kHost)].in_use > kMostLocked;
}

void StreamMemory::give_back(Memory memory, std::unique_ptr<Block> block) {
    if (block && block->is_shared_.exchange(false)) {
        clean_up(*device_, [&] { block->left_ = end_of_work(device_, cudaStreamLegacy); });
    }
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        auto& [in_use, free] = blocks_[static_cast<std::size_t>(memory)];
        --in_use;
        if (block && free.size() < kMostFree) {
            const auto bytes = block->bytes();
            free.emplace(bytes, std::move(block));
        }
    }
    if (block) {
        wait();  // its last work may still be queued
    }
}

void StreamMemory::wait() const {
    clean_up(*device_, [this] { cudaStreamSynchronize(stream()); });
}

}  // namespace aernet
