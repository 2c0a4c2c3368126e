#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace aernet::nvmm {

// What GStreamer, a surface or CUDA refuses, and the end of a live pipeline.
class CaptureError : public std::runtime_error {
   public:
    using std::runtime_error::runtime_error;
};

// Bytes in a GPU's memory: `width` a row, `pitch` from row to row.
struct Plane {
    std::uintptr_t address;
    std::ptrdiff_t height;
    std::ptrdiff_t width;
    std::ptrdiff_t pitch;
};

// A frame of NV12 where the GPU finds it. Any thread may let go of the owner.
struct Frame {
    Plane luma;
    Plane chroma;
    std::string colorimetry;  // as GStreamer writes it; empty where neither the caps nor the surface state it
    std::shared_ptr<const void> owner;
};

class Stream;
class Surfaces;

// A GStreamer pipeline whose frames are NV12 in memory:NVMM, the memory of a Jetson's cameras and decoders.
class Capture {
   public:
    // The words of the pipeline as gst-launch-1.0 takes them, without its sink.
    explicit Capture(const std::vector<std::string>& pipeline);
    ~Capture();
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;

    // The next frame, for which it waits so long. It lies in the thread's current context. None follows where a
    // pipeline that is not live has ended.
    std::optional<Frame> pull(double seconds);
    // Ends the pipeline; frames that are out stay what they are.
    void stop();

   private:
    std::unique_ptr<Stream> stream_;
    std::shared_ptr<Surfaces> surfaces_;
};

}  // namespace aernet::nvmm
