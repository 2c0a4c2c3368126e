#include "cuda/upload.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "cpu/threads.h"

namespace aernet {

namespace {

constexpr auto kDoing = "copying a frame in";
constexpr std::ptrdiff_t kBytesPerThread = 2 << 20;
constexpr std::ptrdiff_t kBytesPerCopy = 1 << 19;  // copied to the device while the next are staged

// A frame as the kernels read it: its rows, each pixel `step` bytes.
struct Rows {
    PixelFormat format;
    std::ptrdiff_t step;
    std::ptrdiff_t count;
    std::ptrdiff_t bytes;  // of one row that may be read
    bool is_packed;        // whether the frame lies so already
};

Rows rows_of(const Image& frame) {
    if (frame.channel_stride == 0) {
        const auto count = frame.format == PixelFormat::kNv12 ? frame.height / 2 * 3 : frame.height;
        return {frame.format, 1, count, frame.width, frame.pixel_stride == 1};
    }
    const bool red_first = is_red_first(frame.format);
    const bool is_packed = frame.channel_stride == 1 && (frame.pixel_stride == 3 || frame.pixel_stride == 4);
    if (is_packed && frame.pixel_stride == 4) {
        const auto format = red_first ? PixelFormat::kRgba : PixelFormat::kBgra;
        return {format, 4, frame.height, 4 * frame.width - 1, true};
    }
    return {red_first ? PixelFormat::kRgb : PixelFormat::kBgr, 3, frame.height, 3 * frame.width, is_packed};
}

Image frame_at(const std::uint8_t* data, const Rows& rows, std::ptrdiff_t width, std::ptrdiff_t pitch) {
    if (rows.format == PixelFormat::kNv12) {
        const auto height = rows.count / 3 * 2;
        return {data, height, width, pitch, 1, 0, data + height * pitch, pitch, rows.format};
    }
    return {data, rows.count, width, pitch, rows.step, rows.step == 1 ? 0 : 1, nullptr, 0, rows.format};
}

void copy_rows(const Image& frame, const Rows& rows, std::ptrdiff_t begin, std::ptrdiff_t end, std::uint8_t* target) {
    const auto pitch = frame.width * rows.step;
    if (rows.is_packed && frame.row_stride == pitch) {
        std::memcpy(target, frame.data + begin * pitch,
                    static_cast<std::size_t>((end - begin - 1) * pitch + rows.bytes));
        return;
    }
    for (auto row = begin; row < end; ++row, target += pitch) {
        const std::uint8_t* pixel = frame.data + row * frame.row_stride;
        if (rows.is_packed) {
            std::memcpy(target, pixel, static_cast<std::size_t>(rows.bytes));
            continue;
        }
        for (std::ptrdiff_t column = 0; column < frame.width; ++column, pixel += frame.pixel_stride) {
            for (std::ptrdiff_t channel = 0; channel < rows.step; ++channel) {
                target[column * rows.step + channel] = pixel[channel * frame.channel_stride];
            }
        }
    }
}

// Where the device finds page-locked memory; null for other memory.
const std::uint8_t* page_locked(const std::uint8_t* data) {
    cudaPointerAttributes attributes{};
    if (cudaPointerGetAttributes(&attributes, data) != cudaSuccess) {
        cudaGetLastError();
        return nullptr;
    }
    return attributes.type == cudaMemoryTypeHost ? static_cast<const std::uint8_t*>(attributes.devicePointer) : nullptr;
}

}  // namespace

Upload::Upload(std::shared_ptr<const Device> device, cudaStream_t stream)
    : device_(std::move(device)),
      stream_(stream),
      staging_{Staging{nullptr, {device_, false}}, Staging{nullptr, {device_, false}}} {}

Upload::Frame Upload::bring(const Image& frame) {
    const auto rows = rows_of(frame);
    const auto pitch = frame.width * rows.step;
    const bool can_be_copied =
        rows.is_packed && frame.row_stride >= pitch && frame.row_stride <= kMostBytes / rows.count;
    const auto* locked = can_be_copied ? page_locked(frame.data) : nullptr;
    const bool is_integrated = device_->is_integrated();
    if (locked && is_integrated) {
        return {frame_at(locked, rows, frame.width, frame.row_stride), true};
    }
    if (!is_integrated) {
        reserve(frame_, Memory::kDevice, rows.count * pitch);
    }
    if (locked) {
        device_->check(
            cudaMemcpy2DAsync(frame_->data(), static_cast<std::size_t>(pitch), frame.data,
                              static_cast<std::size_t>(frame.row_stride), static_cast<std::size_t>(rows.bytes),
                              static_cast<std::size_t>(rows.count), cudaMemcpyHostToDevice, stream_),
            kDoing);
        return {frame_at(frame_->data(), rows, frame.width, pitch), true};
    }
    turn_ = 1 - turn_;
    auto& staging = staging_[turn_];
    staging.is_read.wait(kDoing);
    reserve(staging.block, Memory::kHost, rows.count * pitch);
    split(rows.count, rows.count * pitch, kBytesPerThread, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        const CurrentDevice current_here(*device_);
        const auto rows_per_copy = std::max<std::ptrdiff_t>(1, kBytesPerCopy / pitch);
        for (; begin < end; begin += rows_per_copy) {
            const auto count = std::min(rows_per_copy, end - begin);
            std::uint8_t* staged = staging.block->data() + begin * pitch;
            copy_rows(frame, rows, begin, begin + count, staged);
            if (!is_integrated) {
                device_->check(
                    cudaMemcpyAsync(frame_->data() + begin * pitch, staged, static_cast<std::size_t>(count * pitch),
                                    cudaMemcpyHostToDevice, stream_),
                    kDoing);
            }
        }
    });
    const auto* on_device = is_integrated ? staging.block->on_device() : frame_->data();
    return {frame_at(on_device, rows, frame.width, pitch), false};
}

void Upload::reserve(std::unique_ptr<Block>& block, Memory memory, std::ptrdiff_t bytes) const {
    if (!block || block->bytes() < static_cast<std::size_t>(bytes)) {
        device_->check(cudaStreamSynchronize(stream_), "making room for a larger frame");
        block.reset();
        block = std::make_unique<Block>(device_, memory, static_cast<std::size_t>(bytes));
    }
}

}  // namespace aernet
