#include "cuda/memory.h"

#include <algorithm>
#include <string>

namespace aernet {

namespace {

constexpr std::size_t kMostFree = 8;  // blocks that a pool keeps while nobody uses them
constexpr std::size_t kGranularity = 1 << 20;

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

std::shared_ptr<Block> BlockPool::take(std::size_t bytes) {
    bytes = (bytes + kGranularity - 1) / kGranularity * kGranularity;
    std::unique_ptr<Block> block;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto fits = [bytes](const std::unique_ptr<Block>& free) { return free->bytes() >= bytes; };
        const auto found = std::find_if(free_.begin(), free_.end(), fits);
        if (found == free_.end() && !free_.empty()) {
            free_.pop_back();  // too small, and makes room for one that is not
        } else if (found != free_.end()) {
            block = std::move(*found);
            free_.erase(found);
        }
        ++in_use_;
    }
    if (!block) {
        try {
            block = std::make_unique<Block>(device_, memory_, bytes);
        } catch (...) {
            give_back(nullptr);
            throw;
        }
    }
    return {block.release(),
            [pool = shared_from_this()](Block* used) { pool->give_back(std::unique_ptr<Block>(used)); }};
}

std::size_t BlockPool::in_use() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return in_use_;
}

void BlockPool::give_back(std::unique_ptr<Block> block) {
    const std::lock_guard<std::mutex> lock(mutex_);
    --in_use_;
    if (block && free_.size() < kMostFree) {
        free_.push_back(std::move(block));
    }
}

}  // namespace aernet
