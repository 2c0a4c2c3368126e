#include "cuda/lane.h"

#include <algorithm>
#include <cstring>

#include "cpu/threads.h"
#include "cuda/mask.h"
#include "cuda/preprocess.h"

namespace aernet {

namespace {

constexpr std::ptrdiff_t kBytesPerThread = 2 << 20;
constexpr std::ptrdiff_t kBytesPerCopy = 1 << 19;  // copied to the device while the next are staged

std::size_t bytes_of(Element element) { return element == Element::kFloat16 ? 2 : 4; }

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

Lane::Lane(std::shared_ptr<const Device> device, int size, int batch, Element image, Element probability, bool is_timed)
    : device_(std::move(device)),
      size_(size),
      batch_(batch),
      image_element_(image),
      probability_element_(probability),
      stream_(device_),
      image_(device_, Memory::kDevice, static_cast<std::size_t>(batch) * image_bytes()),
      probability_(device_, Memory::kDevice, static_cast<std::size_t>(batch) * probability_bytes()),
      staging_{Staging{nullptr, {device_, false}}, Staging{nullptr, {device_, false}}},
      others_(device_, false) {
    for (auto& mark : marks_) {
        mark = is_timed ? std::make_unique<Event>(device_, true) : nullptr;
    }
}

Lane::~Lane() {
    clean_up(*device_, [this] { cudaStreamSynchronize(stream()); });
}

std::size_t Lane::image_bytes() const { return 3 * numbers() * bytes_of(image_element_); }

std::size_t Lane::probability_bytes() const { return numbers() * bytes_of(probability_element_); }

void Lane::put(int index, const Image& frame) {
    const CurrentDevice current(*device_);
    const auto rows = rows_of(frame);
    const auto pitch = frame.width * rows.step;
    const bool can_be_copied =
        rows.is_packed && frame.row_stride >= pitch && frame.row_stride <= kMostBytes / rows.count;
    const auto* locked = can_be_copied ? page_locked(frame.data) : nullptr;
    const bool is_integrated = device_->is_integrated();
    mark(kCopyIn);
    if (locked && is_integrated) {
        preprocess(index, frame_at(locked, rows, frame.width, frame.row_stride));
        return;
    }
    if (!is_integrated) {
        reserve(frame_, Memory::kDevice, rows.count * pitch);
    }
    if (locked) {
        check(cudaMemcpy2DAsync(frame_->data(), static_cast<std::size_t>(pitch), frame.data,
                                static_cast<std::size_t>(frame.row_stride), static_cast<std::size_t>(rows.bytes),
                                static_cast<std::size_t>(rows.count), cudaMemcpyHostToDevice, stream()),
              "copying a frame in");
        preprocess(index, frame_at(frame_->data(), rows, frame.width, pitch));
        return;
    }
    auto& staging = staging_[static_cast<std::size_t>(index % 2)];
    check(cudaEventSynchronize(staging.is_read.get()), "copying a frame in");
    reserve(staging.block, Memory::kHost, rows.count * pitch);
    split(rows.count, rows.count * pitch, kBytesPerThread, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        const CurrentDevice current_here(*device_);
        const auto rows_per_copy = std::max<std::ptrdiff_t>(1, kBytesPerCopy / pitch);
        for (; begin < end; begin += rows_per_copy) {
            const auto count = std::min(rows_per_copy, end - begin);
            std::uint8_t* staged = staging.block->data() + begin * pitch;
            copy_rows(frame, rows, begin, begin + count, staged);
            if (!is_integrated) {
                check(cudaMemcpyAsync(frame_->data() + begin * pitch, staged, static_cast<std::size_t>(count * pitch),
                                      cudaMemcpyHostToDevice, stream()),
                      "copying a frame in");
            }
        }
    });
    const auto* on_device = is_integrated ? staging.block->on_device() : frame_->data();
    preprocess(index, frame_at(on_device, rows, frame.width, pitch));
    staging.is_read.record(stream());
}

void Lane::put(int index, const Image& frame, const Event* ready) {
    const CurrentDevice current(*device_);
    mark(kCopyIn);
    if (ready) {
        check(cudaStreamWaitEvent(stream(), ready->get(), 0), "waiting for a frame");
    }
    preprocess(index, frame);
}

void Lane::run(const Graph& graph) {
    const CurrentDevice current(*device_);
    check(cudaGraphLaunch(graph.get(), stream()), "running the engine");
}

std::unique_ptr<Graph> Lane::capture(const std::function<void()>& enqueue) {
    constexpr auto doing = "capturing the engine";
    const CurrentDevice current(*device_);
    check(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), doing);
    cudaGraph_t captured = nullptr;
    try {
        enqueue();
    } catch (...) {
        cudaStreamEndCapture(stream(), &captured);
        if (captured) {
            cudaGraphDestroy(captured);
        }
        cudaGetLastError();
        throw;
    }
    check(cudaStreamEndCapture(stream(), &captured), doing);
    cudaGraphExec_t work = nullptr;
    std::size_t nodes = 0;
    auto status = cudaGraphGetNodes(captured, nullptr, &nodes);
    if (status == cudaSuccess) {
        // An engine that left nothing on the stream would leave the last answer standing.
        status = nodes == 0 ? cudaErrorStreamCaptureUnsupported : cudaGraphInstantiate(&work, captured, 0);
    }
    cudaGraphDestroy(captured);
    check(status, doing);
    auto graph = std::make_unique<Graph>(device_, work);
    check(cudaGraphUpload(work, stream()), doing);
    return graph;
}

void Lane::take(int index, std::ptrdiff_t height, std::ptrdiff_t width, float threshold, Memory memory,
                const Block& mask, std::uint8_t* probability) {
    const CurrentDevice current(*device_);
    const auto bytes = height * width;
    const bool is_reachable = memory == Memory::kDevice || device_->is_integrated();
    if (memory == Memory::kDevice) {
        // Whoever had this memory before us may have let go of it with work still queued.
        others_.record(cudaStreamLegacy);
        check(cudaStreamWaitEvent(stream(), others_.get(), 0), "waiting for a mask's memory");
    }
    if (!is_reachable) {
        reserve(mask_, Memory::kDevice, bytes);
    }
    std::uint8_t* target = is_reachable ? mask.on_device() : mask_->data();
    const auto* source = probability_.data() + static_cast<std::size_t>(index) * probability_bytes();
    mark(kMask);
    check(mask_on_device(source, probability_element_, 1, size_, target, height, width, width, bytes, threshold,
                         stream()),
          "making a mask");
    mark(kCopyOut);
    if (!is_reachable) {
        check(cudaMemcpyAsync(mask.data(), target, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost, stream()),
              "copying a mask out");
    }
    check(cudaMemcpyAsync(probability, source, probability_bytes(), cudaMemcpyDeviceToHost, stream()),
          "copying a probability map out");
    mark(kSteps);
}

void Lane::wait() {
    const CurrentDevice current(*device_);
    check(cudaStreamSynchronize(stream()), "waiting for a mask");
}

std::array<float, Lane::kSteps> Lane::times() const {
    std::array<float, kSteps> times{};
    for (std::size_t step = 0; step < times.size(); ++step) {
        check(cudaEventElapsedTime(&times[step], marks_[step]->get(), marks_[step + 1]->get()), "timing a step");
    }
    return times;
}

void Lane::preprocess(int index, const Image& frame) {
    mark(kPreprocess);
    auto* target = image_.data() + static_cast<std::size_t>(index) * image_bytes();
    check(preprocess_on_device(frame, 1, 0, size_, target, image_element_, stream()), "preprocessing a frame");
    mark(kEngine);
}

void Lane::reserve(std::unique_ptr<Block>& block, Memory memory, std::ptrdiff_t bytes) {
    if (!block || block->bytes() < static_cast<std::size_t>(bytes)) {
        check(cudaStreamSynchronize(stream()), "making room for a larger frame");
        block.reset();
        block = std::make_unique<Block>(device_, memory, static_cast<std::size_t>(bytes));
    }
}

void Lane::mark(std::size_t step) {
    if (marks_[step]) {
        marks_[step]->record(stream());
    }
}

}  // namespace aernet
