#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "core/element.h"
#include "core/image.h"
#include "cuda/device.h"
#include "cuda/memory.h"

namespace aernet {

// Work of a stream that was captured, to be queued again with one call.
class Graph {
   public:
    Graph(std::shared_ptr<const Device> device, cudaGraphExec_t work) : device_(std::move(device)), work_(work) {}
    ~Graph() {
        clean_up(*device_, [this] { cudaGraphExecDestroy(work_); });
    }
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;

    cudaGraphExec_t get() const { return work_; }

   private:
    std::shared_ptr<const Device> device_;
    cudaGraphExec_t work_;
};

// The way of a batch of frames through a device: a stream and the memory that it needs. For one thread and one batch
// at a time: put() of each frame, run(), a mask of each frame, wait(). All but the last only queue work.
class Lane {
   public:
    enum Step : std::size_t { kCopyIn, kPreprocess, kEngine, kMask, kCopyOut, kSteps };

    // For at most `batch` frames; `is_timed` makes times() possible.
    Lane(std::shared_ptr<const Device> device, int size, int batch, Element image, Element probability, bool is_timed);
    // Waits for what is queued.
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    const std::shared_ptr<const Device>& device() const { return device_; }
    int batch() const { return batch_; }
    int size() const { return size_; }
    Element probability_element() const { return probability_element_; }
    std::size_t probability_bytes() const;  // of one frame
    cudaStream_t stream() const { return stream_.get(); }
    // The network's input, batch x 3 x size x size, and its output, batch x 1 x size x size.
    void* image() const { return image_.data(); }
    void* probability() const { return probability_.data(); }

    // Frame -> its part of the network's input. From host memory, which is copied unless it is page-locked, or from
    // device memory once `ready` (null: now).
    void put(int index, const Image& frame);
    void put(int index, const Image& frame, const Event* ready);

    void run(const Graph& graph);
    // What `enqueue` puts on the stream. Throws DeviceError where it does what cannot be captured.
    std::unique_ptr<Graph> capture(const std::function<void()>& enqueue);

    // The network's output -> the mask, height x width, in host or device memory; the probability in host memory.
    void take(int index, std::ptrdiff_t height, std::ptrdiff_t width, float threshold, Memory memory, const Block& mask,
              std::uint8_t* probability);

    void wait();

    // Milliseconds of each step of the last batch, which was one frame.
    std::array<float, kSteps> times() const;

   private:
    // A page-locked copy of a frame, which may be overwritten once it `is_read`.
    struct Staging {
        std::unique_ptr<Block> block;
        Event is_read;
    };

    std::size_t numbers() const { return static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_); }
    std::size_t image_bytes() const;
    void preprocess(int index, const Image& frame);
    void reserve(std::unique_ptr<Block>& block, Memory memory, std::ptrdiff_t bytes);
    void mark(std::size_t step);
    void check(cudaError_t status, const char* doing) const { device_->check(status, doing); }

    std::shared_ptr<const Device> device_;
    int size_;
    int batch_;
    Element image_element_;
    Element probability_element_;
    Stream stream_;
    Block image_;
    Block probability_;
    std::array<Staging, 2> staging_;  // one is filled while the device reads the other
    std::unique_ptr<Block> frame_;
    std::unique_ptr<Block> mask_;
    Event others_;
    std::array<std::unique_ptr<Event>, kSteps + 1> marks_;
};

}  // namespace aernet
