#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "core/element.h"
#include "core/image.h"
#include "cuda/device.h"
#include "cuda/memory.h"
#include "cuda/prediction.h"
#include "cuda/upload.h"

namespace aernet {

// Captured work of a stream, which one call queues again.
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

// The way of a batch of frames through a device: a stream, and the network's input and output. For one thread and one
// batch at a time: wait() for the last batch, put() each frame, run() the network, take the predictions(). All but the
// first only queue work.
class Lane {
   public:
    // For at most `batch` frames.
    Lane(std::shared_ptr<const Device> device, int size, int batch, Element image, Element probability);
    // Waits for what is queued.
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    const std::shared_ptr<const Device>& device() const { return memory_->device(); }
    cudaStream_t stream() const { return memory_->stream(); }
    // The network's input, batch x 3 x size x size, and its output, batch x 1 x size x size.
    void* image() const { return image_.data(); }
    void* probability() const { return probability_.data(); }

    // Whether the predictions of the last batch are there.
    bool is_idle() const { return !end_ || end_->is_reached(); }
    // Waits for what is queued, and lets go of the frames.
    void wait();

    // Image -> the next part of the network's input: from the host's memory, or from the device's once all that it lies
    // in is `ready`. `frame` keeps that memory alive and goes to the prediction; `copied`, if it is not null, is
    // recorded when the image is on the device. Throws std::out_of_range beyond `batch` frames.
    void put(const Image& image, std::shared_ptr<const void> frame, const Event* copied);
    void put(const Image& image, std::shared_ptr<const void> frame, const Event* copied,
             std::initializer_list<const Event*> ready);

    void run(const Graph& graph);
    // Captures what `enqueue` puts on the stream that it is given. Throws DeviceError if that cannot be captured.
    std::unique_ptr<Graph> capture(const std::function<void(cudaStream_t)>& enqueue) const;

    // One of each frame that was put, in order.
    std::vector<Prediction> predictions();

   private:
    std::size_t numbers() const { return static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_); }
    std::size_t image_bytes() const { return 3 * numbers() * bytes_of(image_element_); }
    std::size_t probability_bytes() const { return numbers() * bytes_of(probability_element_); }
    void require_room() const;
    void preprocess(const Image& image, std::shared_ptr<const void> frame, const Event* copied);
    void check(cudaError_t status, const char* doing) const { device()->check(status, doing); }

    std::shared_ptr<StreamMemory> memory_;
    int size_;
    std::size_t batch_;
    Element image_element_;
    Element probability_element_;
    Block image_;
    Block probability_;
    Upload upload_;
    std::vector<std::shared_ptr<const void>> frames_;    // that were put
    std::vector<std::shared_ptr<const void>> borrowed_;  // those that the device reads where they are
    std::shared_ptr<const Event> end_;                   // of the last batch; null before the first
};

}  // namespace aernet
