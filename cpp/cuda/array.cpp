#include "cuda/array.h"

#include "cuda/overlay.h"

namespace aernet {

std::shared_ptr<Block> to_page_locked(const DeviceArray& array) {
    constexpr auto waiting = "waiting for a mask";
    if (array.block->memory() == Memory::kHost) {
        array.ready->wait(waiting);
        return array.block;
    }
    const CurrentDevice current(*array.device);
    const auto stream = array.memory->stream();
    const auto bytes = static_cast<std::size_t>(row_bytes(array) * array.height);
    auto copy = array.memory->take(Memory::kHost, bytes);
    array.device->check(cudaMemcpyAsync(copy->data(), array.data, bytes, cudaMemcpyDeviceToHost, stream),
                        "copying a mask to the host");
    end_of_work(array.device, stream)->wait(waiting);
    return copy;
}

void copy_to_host(const DeviceArray& array, std::uint8_t* target) {
    constexpr auto doing = "copying an array to the host";
    const CurrentDevice current(*array.device);
    const auto width = static_cast<std::size_t>(row_bytes(array));
    array.ready->wait(doing);
    array.device->check(cudaMemcpy2D(target, width, array.data, static_cast<std::size_t>(array.pitch), width,
                                     static_cast<std::size_t>(array.height), cudaMemcpyDeviceToHost),
                        doing);
}

void tint(const DeviceArray& mask, const DeviceArray& picture, const Tint& how) {
    constexpr auto doing = "tinting a picture";
    const auto& device = *mask.device;
    const CurrentDevice current(device);
    const Stream stream(mask.device);
    mask.ready->hold(stream.get(), doing);
    picture.ready->hold(stream.get(), doing);
    const DevicePictures pictures{picture.data, picture.height, picture.width, picture.channels, picture.pitch, 0};
    device.check(overlay_on_device(pictures, {mask.data, mask.pitch, 0}, 1, how, stream.get()), doing);
    wait_for(mask.device, stream.get(), doing);
}

}  // namespace aernet
