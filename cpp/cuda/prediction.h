#pragma once

#include <cstddef>
#include <memory>

#include "core/element.h"
#include "cuda/array.h"
#include "cuda/device.h"
#include "cuda/memory.h"

namespace aernet {

// The probability map of one frame, size x size, on the device and on its way to the host.
class Prediction {
   public:
    // Queues copies of the network's output, which may be overwritten by what is queued on the stream later.
    Prediction(std::shared_ptr<StreamMemory> memory, const void* output, Element element, int size,
               std::shared_ptr<const void> frame);

    int size() const { return size_; }
    // The frame that was given to the lane.
    const void* frame() const { return frame_.get(); }
    const std::shared_ptr<const Event>& ready() const { return ready_; }

    // The mask, height x width, as mask_from_probability() makes it; queued on the stream. NaN is background. Sides of
    // 1 to 16384. On a device that shares the host's memory, the mask lies where the host reaches it.
    DeviceArray mask(std::ptrdiff_t height, std::ptrdiff_t width, float threshold) const;

    // Waits, then writes the unchecked map, size x size numbers.
    void read(float* numbers) const;
    // The same within [0, 1]. Throws FrameError where it holds NaN, or lies further outside than rounding explains.
    void read_probability(float* numbers) const;

   private:
    std::size_t count() const { return static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_); }

    std::shared_ptr<StreamMemory> memory_;
    Element element_;
    int size_;
    std::shared_ptr<const void> frame_;
    std::shared_ptr<Block> on_device_;
    std::shared_ptr<Block> on_host_;
    std::shared_ptr<const Event> ready_;
};

}  // namespace aernet
