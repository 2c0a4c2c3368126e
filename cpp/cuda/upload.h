#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/image.h"
#include "cuda/device.h"
#include "cuda/memory.h"

namespace aernet {

// Brings frames from the host to where a stream's kernels read them.
class Upload {
   public:
    Upload(std::shared_ptr<const Device> device, cudaStream_t stream);

    struct Frame {
        Image image;       // what kernels that are queued now may read
        bool is_borrowed;  // whether the device reads the caller's memory, which must stay until it has
    };
    // The frame is copied, through page-locked memory unless it lies there. On a device that shares the host's memory a
    // page-locked frame is read where it is; if it shares the pages too, so is any frame whose rows are aligned.
    Frame bring(const Image& frame);
    // To be called when all that reads the last frame is queued.
    void finish() { staging_[turn_].is_read.record(stream_); }

   private:
    // A page-locked copy of a frame, which may be overwritten once it `is_read`.
    struct Staging {
        std::unique_ptr<Block> block;
        Event is_read;
    };

    void copy_plane(const std::uint8_t* source, std::ptrdiff_t source_pitch, std::ptrdiff_t bytes, std::ptrdiff_t count,
                    std::uint8_t* target, std::ptrdiff_t pitch) const;
    void reserve(std::unique_ptr<Block>& block, Memory memory, std::ptrdiff_t bytes) const;

    std::shared_ptr<const Device> device_;
    cudaStream_t stream_;
    std::unique_ptr<Block> frame_;
    std::array<Staging, 2> staging_;  // one is filled while the device reads the other
    std::size_t turn_ = 0;
};

}  // namespace aernet
