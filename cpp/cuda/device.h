#pragma once

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

namespace aernet {

// What CUDA refuses, and what to do about it; `aernet.errors.AernetError` in Python.
class DeviceError : public std::runtime_error {
   public:
    using std::runtime_error::runtime_error;
};

// How many GPUs there are. Throws DeviceError where there is no driver, or none that this build can use.
int device_count();

// Of CUDA, as in "13.0": what the installed driver knows, "" without one; and what this build was made with.
std::string driver_version();
std::string toolkit_version();

// One GPU through its primary context, which all libraries share that use CUDA's runtime. The context stays until the
// process ends: when the last Device goes, others may still work in it, objects of TensorRT among them.
class Device {
   public:
    explicit Device(int index);
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    int index() const { return index_; }
    bool is_integrated() const { return is_integrated_; }
    // Whether kernels read the host's ordinary memory as fast as its own: it is one memory with one table of pages.
    bool shares_pages() const { return shares_pages_; }

    std::string name() const;
    std::string pci_bus_id() const;
    int attribute(cudaDeviceAttr attribute) const;
    std::size_t total_memory() const;

    // Makes this device's context the thread's current one; pop() brings the one before back.
    void push() const;
    void pop() const;

    // Throws DeviceError unless all went well.
    void check(cudaError_t status, const std::string& doing) const;

    // Whether the pointer is of another context than the primary one, which cannot reach it.
    bool is_foreign(const void* pointer) const;

   private:
    int index_;
    bool is_integrated_ = false;
    bool shares_pages_ = false;
    CUcontext context_ = nullptr;
};

// While it lives, a device's context is the thread's current one.
class CurrentDevice {
   public:
    explicit CurrentDevice(const Device& device) : device_(device) { device_.push(); }
    ~CurrentDevice() { device_.pop(); }
    CurrentDevice(const CurrentDevice&) = delete;
    CurrentDevice& operator=(const CurrentDevice&) = delete;

   private:
    const Device& device_;
};

// For destructors: a device that is lost has nothing left to clean up.
template <class Work>
void clean_up(const Device& device, const Work& work) {
    try {
        const CurrentDevice current(device);
        work();
    } catch (const DeviceError&) {
    }
}

// A queue of work on a device that waits for no other.
class Stream {
   public:
    explicit Stream(std::shared_ptr<const Device> device);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    cudaStream_t get() const { return stream_; }

   private:
    std::shared_ptr<const Device> device_;
    cudaStream_t stream_ = nullptr;
};

// A point in the work of a stream. Before it is recorded for the first time it counts as reached. A thread that waits
// for it sleeps, and leaves the processor to others, unless it is timed.
class Event {
   public:
    Event(std::shared_ptr<const Device> device, bool is_timed);
    ~Event();
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    void record(cudaStream_t stream) const;
    bool is_reached() const;
    // Waits until it is reached; `doing` is what an error says was going on.
    void wait(const std::string& doing) const;
    // Lets what is queued on a stream from now on wait for it.
    void hold(cudaStream_t stream, const std::string& doing) const;
    // Both timed and reached.
    float milliseconds_since(const Event& start) const;

   private:
    std::shared_ptr<const Device> device_;
    cudaEvent_t event_ = nullptr;
};

// The end of what is queued on a stream.
std::shared_ptr<const Event> end_of_work(const std::shared_ptr<const Device>& device, cudaStream_t stream);

// Waits for what is queued on a stream; sleeps meanwhile.
void wait_for(const std::shared_ptr<const Device>& device, cudaStream_t stream, const std::string& doing);

}  // namespace aernet
