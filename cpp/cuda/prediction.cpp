#include "cuda/prediction.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "core/errors.h"
#include "core/half.h"
#include "cuda/mask.h"

namespace aernet {

namespace {

constexpr float kRounding = 1e-3F;  // how far a device's sigmoid may lie outside [0, 1], in float16 too

}  // namespace

Prediction::Prediction(std::shared_ptr<StreamMemory> memory, const void* output, Element element, int size,
                       std::shared_ptr<const void> frame)
    : memory_(std::move(memory)), element_(element), size_(size), frame_(std::move(frame)) {
    const auto& device = memory_->device();
    const CurrentDevice current(*device);
    const auto bytes = count() * bytes_of(element);
    on_device_ = memory_->take(Memory::kDevice, bytes);
    on_host_ = memory_->take(Memory::kHost, bytes);
    const auto copy = [&](const Block& block, cudaMemcpyKind kind) {
        device->check(cudaMemcpyAsync(block.data(), output, bytes, kind, memory_->stream()),
                      "copying a probability map out");
    };
    copy(*on_device_, cudaMemcpyDeviceToDevice);
    copy(*on_host_, cudaMemcpyDeviceToHost);
    ready_ = end_of_work(device, memory_->stream());
}

DeviceArray Prediction::mask(std::ptrdiff_t height, std::ptrdiff_t width, float threshold) const {
    const auto& device = memory_->device();
    const CurrentDevice current(*device);
    const auto stream = memory_->stream();
    const auto bytes = height * width;
    auto block =
        memory_->take(device->is_integrated() ? Memory::kHost : Memory::kDevice, static_cast<std::size_t>(bytes));
    device->check(mask_on_device(on_device_->data(), element_, 1, size_, block->on_device(), height, width, width,
                                 bytes, threshold, stream),
                  "making a mask");
    auto* data = block->on_device();
    return {device, data, height, width, 0, width, end_of_work(device, stream), memory_, std::move(block), nullptr};
}

void Prediction::read(float* numbers) const {
    ready_->wait("waiting for a probability map");
    const auto convert = [&](const auto* source) {
        std::transform(source, source + count(), numbers, [](const auto& number) { return load(&number); });
    };
    if (element_ == Element::kFloat16) {
        convert(reinterpret_cast<const Half*>(on_host_->data()));
    } else {
        convert(reinterpret_cast<const float*>(on_host_->data()));
    }
}

void Prediction::read_probability(float* numbers) const {
    read(numbers);
    float* const end = numbers + count();
    float low = 0;
    float high = 1;
    bool are_numbers = true;
    for (const float* number = numbers; number != end; ++number) {
        low = std::min(low, *number);
        high = std::max(high, *number);
        are_numbers = are_numbers && *number == *number;
    }
    if (!are_numbers || low < -kRounding || high > 1 + kRounding) {
        std::ostringstream found;
        found << low << " to " << high << (are_numbers ? "" : " and nan");
        throw FrameError("probability: expected values within [0, 1], found " + found.str() +
                         "; 'aernet-trt verify' compares the engine with its model");
    }
    std::transform(numbers, end, numbers, [](float number) { return std::clamp(number, 0.0F, 1.0F); });
}

}  // namespace aernet
