// A CUDA runtime without a GPU, for tests of what drives one: memory is the host's, a stream is a thread that does one
// thing after the other, and the kernels' bodies run on the host. It aborts on what a real one punishes silently.

#include "fakes/cuda.h"

#include <cuda.h>
#include <cuda_runtime_api.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/words.h"
#include "cuda/mask.h"
#include "cuda/overlay.h"
#include "cuda/preprocess.h"

// kernels.cpp
extern "C" {
void preprocess(const aernet::Image* image, int count, std::ptrdiff_t frame_stride, int size, void* tensor,
                aernet::Element element);
void mask(const void* probability, aernet::Element element, int count, int size, std::uint8_t* mask,
          std::ptrdiff_t height, std::ptrdiff_t width, std::ptrdiff_t pitch, std::ptrdiff_t mask_stride,
          float threshold);
void overlay(const aernet::DevicePictures* pictures, const aernet::DeviceMasks* masks, int count,
             const aernet::Tint* tint);
}

namespace fake_cuda {

Settings settings;

namespace {

std::atomic<long> graph_launches{0}, preprocess_launches{0}, unaligned_launches{0}, mask_launches{0},
    overlay_launches{0}, copies_in{0}, waits{0}, spins{0}, taken{0};

using Work = std::function<void()>;

struct Allocation {
    std::size_t bytes;
    bool is_on_device;
};

std::mutex mutex;
std::map<std::uintptr_t, Allocation> allocations;
std::atomic<long> streams{0}, events{0}, graphs{0};
const auto primary = reinterpret_cast<CUcontext>(std::uintptr_t{0x1000});
const auto other = reinterpret_cast<CUcontext>(std::uintptr_t{0x2000});
thread_local std::vector<CUcontext> current;
thread_local cudaError_t last_error = cudaSuccess;

[[noreturn]] void abort_for(const char* reason) {
    std::fprintf(stderr, "fake_cuda: %s\n", reason);
    std::abort();
}

cudaError_t fail(cudaError_t error) { return last_error = error; }

class Worker {
   public:
    ~Worker() {
        push([this] { is_over_ = true; });
        thread_.join();
    }

    // Whoever sees what a mark does finds it counted as done: nothing can be asked of the worker in between.
    void push(Work work, bool is_mark = false) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (is_capturing_) {
            captured_.push_back(std::move(work));
            return;
        }
        ++queued_;
        queue_.emplace_back(std::move(work), is_mark);
        changed_.notify_all();
    }

    bool is_idle() {
        const std::lock_guard<std::mutex> lock(mutex_);
        return done_ >= queued_;
    }

    void wait() {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this, until = queued_] { return done_ >= until; });
    }

    void capture(bool on) { is_capturing_ = on; }
    std::vector<Work> captured() { return std::exchange(captured_, {}); }

   private:
    void run() {
        while (!is_over_) {
            std::unique_lock<std::mutex> lock(mutex_);
            changed_.wait(lock, [this] { return !queue_.empty(); });
            const auto [work, is_mark] = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            std::this_thread::sleep_for(std::chrono::microseconds(settings.delay_us));
            if (is_mark) {
                lock.lock();
                work();
            } else {
                work();
                lock.lock();
            }
            ++done_;
            changed_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::pair<Work, bool>> queue_;
    std::vector<Work> captured_;
    bool is_capturing_ = false;
    bool is_over_ = false;
    long queued_ = 0;
    long done_ = 0;
    std::thread thread_{&Worker::run, this};
};

// The legacy default stream lives as long as the process.
Worker& worker(cudaStream_t stream) {
    static auto* const legacy = new Worker;
    return reinterpret_cast<std::uintptr_t>(stream) <= 2 ? *legacy : *reinterpret_cast<Worker*>(stream);
}

struct Point {
    std::mutex mutex;
    std::condition_variable reached;
    long recorded = 0;
    long done = 0;
    std::chrono::steady_clock::time_point time;
    bool is_blocking = false;

    bool is_reached() {
        const std::lock_guard<std::mutex> lock(mutex);
        return done >= recorded;
    }

    void wait(long until) {
        std::unique_lock<std::mutex> lock(mutex);
        reached.wait(lock, [&] { return done >= until; });
    }
};

// Work that is queued may refer to an event that is gone, so that its point lives on.
using Event = std::shared_ptr<Point>;

Event& event_of(cudaEvent_t event) { return *reinterpret_cast<Event*>(event); }

std::vector<Work>& graph_of(void* graph) { return *static_cast<std::vector<Work>*>(graph); }

CUresult get_device(CUdevice* device, int index) {
    *device = index;
    return CUDA_SUCCESS;
}

// There is no way to release it: TensorRT frees what it has in it whenever Python lets go of that.
CUresult retain(CUcontext* context, CUdevice) {
    constexpr std::size_t needed = 1 << 20;
    *context = primary;
    return settings.memory_bytes != 0 && settings.memory_bytes < needed ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS;
}

CUresult push(CUcontext context) {
    current.push_back(context);
    return CUDA_SUCCESS;
}

CUresult pop(CUcontext* context) {
    if (current.empty()) {
        abort_for("more contexts popped than pushed");
    }
    *context = current.back();
    current.pop_back();
    return CUDA_SUCCESS;
}

CUresult pointer_attribute(void* value, CUpointer_attribute, CUdeviceptr pointer) {
    *static_cast<CUcontext*>(value) = pointer == settings.foreign_pointer ? other : primary;
    return CUDA_SUCCESS;
}

constexpr std::size_t kAlignment = 256;
constexpr std::size_t kPage = 4096;

constexpr std::size_t up_to_multiple(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

cudaError_t allocate(void** pointer, std::size_t bytes, bool is_on_device) {
    need_context();
    ++taken;
    const std::lock_guard<std::mutex> lock(mutex);
    std::size_t used = bytes;
    for (const auto& [address, allocation] : allocations) {
        used += allocation.bytes;
    }
    if (settings.memory_bytes != 0 && used > settings.memory_bytes) {
        return fail(cudaErrorMemoryAllocation);
    }
    const auto room = up_to_multiple(bytes, kAlignment);
    const auto pages = up_to_multiple(room, kPage);
    void* const base = mmap(nullptr, pages + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(static_cast<char*>(base) + pages, kPage, PROT_NONE) != 0) {
        abort_for("no memory");
    }
    *pointer = static_cast<char*>(base) + pages - room;  // what lies behind may not be read
    std::memset(*pointer, 0xab, bytes);                  // so that what nobody wrote is seen
    allocations[reinterpret_cast<std::uintptr_t>(*pointer)] = {bytes, is_on_device};
    return cudaSuccess;
}

cudaError_t deallocate(void* pointer) {
    need_context();
    const std::lock_guard<std::mutex> lock(mutex);
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    const auto found = allocations.find(address);
    if (found == allocations.end()) {
        abort_for("freed what was not allocated");
    }
    const auto pages = up_to_multiple(up_to_multiple(found->second.bytes, kAlignment), kPage);
    munmap(reinterpret_cast<void*>(address / kPage * kPage), pages + kPage);
    allocations.erase(found);
    return cudaSuccess;
}

void copy_rows(void* target, std::size_t target_pitch, const void* source, std::size_t source_pitch, std::size_t width,
               std::size_t height) {
    for (std::size_t row = 0; row < height; ++row) {
        std::memcpy(static_cast<char*>(target) + row * target_pitch,
                    static_cast<const char*>(source) + row * source_pitch, width);
    }
}

}  // namespace

void need_context() {
    if (current.empty() || current.back() != primary) {
        abort_for("called without the primary context");
    }
}

std::map<std::string, long> counts() {
    const std::lock_guard<std::mutex> lock(mutex);
    long bytes = 0;
    for (const auto& [address, allocation] : allocations) {
        bytes += static_cast<long>(allocation.bytes);
    }
    return {{"allocations", allocations.size()},
            {"bytes", bytes},
            {"streams", streams},
            {"events", events},
            {"graphs", graphs},
            {"pushed", static_cast<long>(current.size())}};
}

std::map<std::string, long> calls() {
    return {{"graph", graph_launches},
            {"preprocess", preprocess_launches},
            {"preprocess off alignment", unaligned_launches},
            {"mask", mask_launches},
            {"overlay", overlay_launches},
            {"copies in", copies_in},
            {"waits", waits},
            {"spins", spins},
            {"allocations", taken}};
}

std::uintptr_t context() { return current.empty() ? 0 : reinterpret_cast<std::uintptr_t>(current.back()); }

void queue(std::uintptr_t stream, std::function<void()> work) {
    worker(reinterpret_cast<cudaStream_t>(stream)).push(std::move(work));
}

}  // namespace fake_cuda

using namespace fake_cuda;

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
    *count = settings.gpus;
    return settings.gpus > 0 ? cudaSuccess : fail(cudaErrorInsufficientDriver);
}

cudaError_t cudaDriverGetVersion(int* version) {
    *version = settings.gpus > 0 ? CUDART_VERSION : 0;
    return cudaSuccess;
}

cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }

const char* cudaGetErrorString(cudaError_t error) {
    return error == cudaErrorMemoryAllocation ? "out of memory" : "refused";
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
    std::strcpy(properties->name, "Host");
    properties->totalGlobalMem = std::size_t{1} << 30;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char* text, int, int) {
    std::strcpy(text, "0000:00:00.0");
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
    const std::map<cudaDeviceAttr, int> values{
        {cudaDevAttrIntegrated, settings.is_integrated},
        {cudaDevAttrPageableMemoryAccessUsesHostPageTables, settings.shares_pages},
        {cudaDevAttrComputeCapabilityMajor, 8},
        {cudaDevAttrComputeCapabilityMinor, 9},
    };
    const auto found = values.find(attribute);
    *value = found == values.end() ? 1000000 : found->second;
    return cudaSuccess;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
    const std::map<std::string, void*> functions{
        {"cuDeviceGet", reinterpret_cast<void*>(&get_device)},
        {"cuDevicePrimaryCtxRetain", reinterpret_cast<void*>(&retain)},
        {"cuCtxPushCurrent", reinterpret_cast<void*>(&push)},
        {"cuCtxPopCurrent", reinterpret_cast<void*>(&pop)},
        {"cuPointerGetAttribute", reinterpret_cast<void*>(&pointer_attribute)},
    };
    *function = functions.at(name);
    *result = cudaDriverEntryPointSuccess;
    return cudaSuccess;
}

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) { return allocate(pointer, bytes, true); }

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned) { return allocate(pointer, bytes, false); }

cudaError_t cudaFree(void* pointer) { return deallocate(pointer); }

cudaError_t cudaFreeHost(void* pointer) { return deallocate(pointer); }

cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned) {
    *device = host;
    return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
    const std::lock_guard<std::mutex> lock(mutex);
    *attributes = {};
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    const auto after = allocations.upper_bound(address);
    if (after == allocations.begin() || address >= std::prev(after)->first + std::prev(after)->second.bytes) {
        return cudaSuccess;  // cudaMemoryTypeUnregistered
    }
    attributes->type = std::prev(after)->second.is_on_device ? cudaMemoryTypeDevice : cudaMemoryTypeHost;
    attributes->devicePointer = const_cast<void*>(pointer);
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
    need_context();
    *stream = reinterpret_cast<cudaStream_t>(new Worker);
    ++streams;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    delete &worker(stream);
    --streams;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    if (!worker(stream).is_idle()) {
        ++waits;
        ++spins;
    }
    worker(stream).wait();
    return settings.is_lost ? fail(cudaErrorIllegalAddress) : cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
    need_context();
    return settings.is_lost           ? fail(cudaErrorIllegalAddress)
           : worker(stream).is_idle() ? cudaSuccess
                                      : cudaErrorNotReady;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
    need_context();
    auto point = std::make_shared<Point>();
    point->is_blocking = (flags & cudaEventBlockingSync) != 0;
    *event = reinterpret_cast<cudaEvent_t>(new Event(std::move(point)));
    ++events;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete &event_of(event);
    --events;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    need_context();
    const auto point = event_of(event);
    const auto number = ++point->recorded;
    const auto reach = [point, number] {
        const std::lock_guard<std::mutex> lock(point->mutex);
        point->done = std::max(point->done, number);
        point->time = std::chrono::steady_clock::now();
        point->reached.notify_all();
    };
    worker(stream).push(reach, true);
    return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
    need_context();
    return event_of(event)->is_reached() ? cudaSuccess : fail(cudaErrorNotReady);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    if (!event_of(event)->is_reached()) {
        ++waits;
        spins += event_of(event)->is_blocking ? 0 : 1;
    }
    event_of(event)->wait(event_of(event)->recorded);
    return settings.is_lost ? fail(cudaErrorIllegalAddress) : cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
    *milliseconds = std::chrono::duration<float, std::milli>(event_of(end)->time - event_of(start)->time).count();
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    worker(stream).push([point = event_of(event), until = event_of(event)->recorded] { point->wait(until); });
    return cudaSuccess;
}

cudaError_t cudaMemcpy(void* target, const void* source, std::size_t bytes, cudaMemcpyKind) {
    need_context();
    std::memcpy(target, source, bytes);
    return cudaSuccess;
}

cudaError_t cudaMemcpy2D(void* target, std::size_t target_pitch, const void* source, std::size_t source_pitch,
                         std::size_t width, std::size_t height, cudaMemcpyKind) {
    need_context();
    copy_rows(target, target_pitch, source, source_pitch, width, height);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* target, const void* source, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
    need_context();
    copies_in += kind == cudaMemcpyHostToDevice;
    worker(stream).push([=] { std::memcpy(target, source, bytes); });
    return cudaSuccess;
}

cudaError_t cudaMemcpy2DAsync(void* target, std::size_t target_pitch, const void* source, std::size_t source_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
    need_context();
    copies_in += kind == cudaMemcpyHostToDevice;
    worker(stream).push([=] { copy_rows(target, target_pitch, source, source_pitch, width, height); });
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    need_context();
    worker(stream).capture(true);
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    worker(stream).capture(false);
    auto captured = worker(stream).captured();
    *graph = nullptr;
    if (settings.refuses_capture) {
        return fail(cudaErrorStreamCaptureInvalidated);
    }
    *graph = reinterpret_cast<cudaGraph_t>(new std::vector<Work>(std::move(captured)));
    ++graphs;
    return cudaSuccess;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t*, std::size_t* count) {
    *count = graph_of(graph).size();
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* work, cudaGraph_t graph, unsigned long long) {
    *work = reinterpret_cast<cudaGraphExec_t>(new std::vector<Work>(graph_of(graph)));
    ++graphs;
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete &graph_of(graph);
    --graphs;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t work) {
    delete &graph_of(work);
    --graphs;
    return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }

cudaError_t cudaGraphLaunch(cudaGraphExec_t work, cudaStream_t stream) {
    need_context();
    ++graph_launches;
    for (const auto& part : graph_of(work)) {
        worker(stream).push(part);
    }
    return cudaSuccess;
}
}

namespace aernet {

cudaError_t preprocess_on_device(const Image& image, int count, std::ptrdiff_t frame_stride, int size, void* tensor,
                                 Element element, cudaStream_t stream) {
    need_context();
    ++preprocess_launches;
    if (!are_multiples(16, image.data, image.row_stride) || !are_multiples(16, image.chroma, image.chroma_stride)) {
        ++unaligned_launches;
    }
    worker(stream).push([=] { ::preprocess(&image, count, frame_stride, size, tensor, element); });
    return cudaSuccess;
}

cudaError_t mask_on_device(const void* probability, Element element, int count, int size, std::uint8_t* mask,
                           std::ptrdiff_t height, std::ptrdiff_t width, std::ptrdiff_t pitch,
                           std::ptrdiff_t mask_stride, float threshold, cudaStream_t stream) {
    need_context();
    ++mask_launches;
    worker(stream).push(
        [=] { ::mask(probability, element, count, size, mask, height, width, pitch, mask_stride, threshold); });
    return cudaSuccess;
}

cudaError_t overlay_on_device(const DevicePictures& pictures, const DeviceMasks& masks, int count, const Tint& tint,
                              cudaStream_t stream) {
    need_context();
    ++overlay_launches;
    worker(stream).push([=] { ::overlay(&pictures, &masks, count, &tint); });
    return cudaSuccess;
}

}  // namespace aernet
