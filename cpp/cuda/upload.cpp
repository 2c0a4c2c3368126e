#include "cuda/upload.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/words.h"
#include "cpu/threads.h"

namespace aernet {

namespace {

constexpr auto kDoing = "copying a frame in";
constexpr std::ptrdiff_t kBytesPerThread = 2 << 20;
constexpr std::ptrdiff_t kBytesPerCopy = 1 << 19;  // copied to the device while the next are staged
constexpr std::ptrdiff_t kPitchUnit = 16;          // rows that begin off it would be read in single bytes
constexpr std::ptrdiff_t kPage = 4096;             // the smallest piece of memory that is there or is not

// A frame as the kernels read it: its rows, each pixel `step` bytes; the rows of chroma follow those of luma.
struct Rows {
    PixelFormat format;
    std::ptrdiff_t step;
    std::ptrdiff_t bytes;         // of one row that may be read
    std::ptrdiff_t chroma_count;  // 0 but for NV12
    std::ptrdiff_t chroma_bytes;
    bool is_packed;  // whether the frame lies so already
};

Rows rows_of(const Image& frame) {
    const bool is_nv12 = frame.format == PixelFormat::kNv12;
    if (is_nv12 || frame.format == PixelFormat::kGray) {
        const auto chroma_count = is_nv12 ? (frame.height + 1) / 2 : 0;
        return {frame.format, 1, frame.width, chroma_count, (frame.width + 1) / 2 * 2, frame.pixel_stride == 1};
    }
    const bool red_first = is_red_first(frame.format);
    const bool is_packed = frame.channel_stride == 1 && (frame.pixel_stride == 3 || frame.pixel_stride == 4);
    if (is_packed && frame.pixel_stride == 4) {
        const auto format = red_first ? PixelFormat::kRgba : PixelFormat::kBgra;
        return {format, 4, 4 * frame.width - 1, 0, 0, true};
    }
    return {red_first ? PixelFormat::kRgb : PixelFormat::kBgr, 3, 3 * frame.width, 0, 0, is_packed};
}

// The frame where its rows lie packed.
Image packed(const Image& frame, const Rows& rows, const std::uint8_t* data, std::ptrdiff_t pitch,
             const std::uint8_t* chroma, std::ptrdiff_t chroma_pitch) {
    Image image = frame;
    image.data = data;
    image.row_stride = pitch;
    image.pixel_stride = rows.step;
    image.channel_stride = rows.step == 1 ? 0 : 1;
    image.chroma = chroma;
    image.chroma_stride = chroma_pitch;
    image.format = rows.format;
    return image;
}

void copy_row(const Image& frame, const Rows& rows, std::ptrdiff_t row, std::uint8_t* target) {
    const bool is_chroma = row >= frame.height;
    const std::uint8_t* pixel =
        is_chroma ? frame.chroma + (row - frame.height) * frame.chroma_stride : frame.data + row * frame.row_stride;
    const auto bytes = is_chroma ? rows.chroma_bytes : rows.bytes;
    if (rows.is_packed) {
        std::memcpy(target, pixel, static_cast<std::size_t>(bytes));
        return;
    }
    for (std::ptrdiff_t begin = 0; begin < bytes; begin += rows.step, pixel += frame.pixel_stride) {
        for (std::ptrdiff_t channel = 0; channel < rows.step; ++channel) {
            target[begin + channel] = pixel[channel * frame.channel_stride];
        }
    }
}

// Whether rows of `bytes` at this distance can be copied at once.
bool are_in_order(std::ptrdiff_t stride, std::ptrdiff_t bytes, std::ptrdiff_t count) {
    return stride >= bytes && stride <= kMostBytes / count;
}

// Whether kernels, which read whole pixels, can read all of a frame where it lies: the fourth byte of its last pixel
// may lie behind the memory's end, and then begins a page.
bool has_whole_pixels(const Image& frame, const Rows& rows) {
    const auto* end = frame.data + (frame.height - 1) * frame.row_stride + rows.bytes;
    return rows.bytes == frame.width * rows.step || !are_multiples(kPage, end);
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
    const bool has_chroma = rows.chroma_count > 0;
    const auto count = frame.height + rows.chroma_count;
    const auto pitch = (std::max(frame.width * rows.step, rows.chroma_bytes) + kPitchUnit - 1) & -kPitchUnit;
    const bool can_be_copied = rows.is_packed &&
                               are_in_order(frame.row_stride, frame.width * rows.step, frame.height) &&
                               (!has_chroma || are_in_order(frame.chroma_stride, rows.chroma_bytes, rows.chroma_count));
    const auto* locked = can_be_copied ? page_locked(frame.data) : nullptr;
    const auto* locked_chroma = locked && has_chroma ? page_locked(frame.chroma) : nullptr;
    const bool is_locked = locked && (locked_chroma || !has_chroma);
    const bool is_integrated = device_->is_integrated();
    const bool can_be_read = can_be_copied && has_whole_pixels(frame, rows);
    if (is_locked && is_integrated && can_be_read) {
        return {packed(frame, rows, locked, frame.row_stride, locked_chroma, frame.chroma_stride), true};
    }
    const bool is_aligned = are_multiples(kPitchUnit, frame.data, frame.row_stride) &&
                            (!has_chroma || are_multiples(kPitchUnit, frame.chroma, frame.chroma_stride));
    if (can_be_read && is_aligned && device_->shares_pages()) {
        return {packed(frame, rows, frame.data, frame.row_stride, frame.chroma, frame.chroma_stride), true};
    }
    if (!is_integrated) {
        reserve(frame_, Memory::kDevice, count * pitch);
    }
    const auto lies_at = [&](const std::uint8_t* data) {
        return packed(frame, rows, data, pitch, has_chroma ? data + frame.height * pitch : nullptr, pitch);
    };
    if (is_locked && !is_integrated) {
        copy_plane(frame.data, frame.row_stride, rows.bytes, frame.height, frame_->data(), pitch);
        if (has_chroma) {
            copy_plane(frame.chroma, frame.chroma_stride, rows.chroma_bytes, rows.chroma_count,
                       frame_->data() + frame.height * pitch, pitch);
        }
        return {lies_at(frame_->data()), true};
    }
    turn_ = 1 - turn_;
    auto& staging = staging_[turn_];
    staging.is_read.wait(kDoing);
    reserve(staging.block, Memory::kHost, count * pitch);
    split(count, count * pitch, kBytesPerThread, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        const CurrentDevice current_here(*device_);
        const auto rows_per_copy = std::max<std::ptrdiff_t>(1, kBytesPerCopy / pitch);
        for (; begin < end; begin += rows_per_copy) {
            const auto band = std::min(rows_per_copy, end - begin);
            std::uint8_t* staged = staging.block->data() + begin * pitch;
            for (std::ptrdiff_t row = 0; row < band; ++row) {
                copy_row(frame, rows, begin + row, staged + row * pitch);
            }
            if (!is_integrated) {
                device_->check(cudaMemcpyAsync(frame_->data() + begin * pitch, staged,
                                               static_cast<std::size_t>(band * pitch), cudaMemcpyHostToDevice, stream_),
                               kDoing);
            }
        }
    });
    return {lies_at(is_integrated ? staging.block->on_device() : frame_->data()), false};
}

void Upload::copy_plane(const std::uint8_t* source, std::ptrdiff_t source_pitch, std::ptrdiff_t bytes,
                        std::ptrdiff_t count, std::uint8_t* target, std::ptrdiff_t pitch) const {
    device_->check(cudaMemcpy2DAsync(target, static_cast<std::size_t>(pitch), source,
                                     static_cast<std::size_t>(source_pitch), static_cast<std::size_t>(bytes),
                                     static_cast<std::size_t>(count), cudaMemcpyHostToDevice, stream_),
                   kDoing);
}

void Upload::reserve(std::unique_ptr<Block>& block, Memory memory, std::ptrdiff_t bytes) const {
    if (!block || block->bytes() < static_cast<std::size_t>(bytes)) {
        device_->check(cudaStreamSynchronize(stream_), "making room for a larger frame");
        block.reset();
        block = std::make_unique<Block>(device_, memory, static_cast<std::size_t>(bytes));
    }
}

}  // namespace aernet
