#include "cuda/device.h"

#include <array>
#include <utility>

namespace aernet {

namespace {

// The functions of the driver that the runtime has no like of. Asked of the runtime, lest importing need the driver.
struct Driver {
    decltype(&cuDeviceGet) device_get;
    decltype(&cuDevicePrimaryCtxRetain) retain;
    decltype(&cuCtxPushCurrent_v2) push;
    decltype(&cuCtxPopCurrent_v2) pop;
    decltype(&cuPointerGetAttribute) pointer_attribute;
};

template <typename Function>
void find(const char* name, Function& function) {
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result{};
#if CUDART_VERSION >= 12050
    const auto status = cudaGetDriverEntryPointByVersion(name, &found, 12000, cudaEnableDefault, &result);
#else
    const auto status = cudaGetDriverEntryPoint(name, &found, cudaEnableDefault, &result);
#endif
    if (status != cudaSuccess || result != cudaDriverEntryPointSuccess) {
        throw DeviceError(std::string("CUDA: the driver lacks ") + name + "; update the NVIDIA driver");
    }
    function = reinterpret_cast<Function>(found);
}

const Driver& driver() {
    static const Driver functions = [] {
        Driver driver{};
        find("cuDeviceGet", driver.device_get);
        find("cuDevicePrimaryCtxRetain", driver.retain);
        find("cuCtxPushCurrent", driver.push);
        find("cuCtxPopCurrent", driver.pop);
        find("cuPointerGetAttribute", driver.pointer_attribute);
        return driver;
    }();
    return functions;
}

// The driver's errors have the numbers of the runtime's.
cudaError_t as_runtime(CUresult result) { return static_cast<cudaError_t>(result); }

std::string version_text(int version) {
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string remedy(cudaError_t status) {
    const std::string on_the_cpu = "use the ONNX model with device='cpu'";  // an engine needs the GPU
    switch (status) {
        case cudaErrorNoDevice:
            return "make a GPU visible (CUDA_VISIBLE_DEVICES, the container's runtime), or " + on_the_cpu;
        case cudaErrorInsufficientDriver: {
            const auto found = driver_version();
            return "this build needs a driver for CUDA " + toolkit_version() + ", found " +
                   (found.empty() ? "none" : "one for " + found) + "; install one, or " + on_the_cpu;
        }
        case cudaErrorInvalidDevice:
            return "'aernet-trt doctor' lists the GPUs";
        case cudaErrorMemoryAllocation:
            return "close other programs on the GPU, share one segmenter, or use smaller batches";
        case cudaErrorNoKernelImageForDevice:
        case cudaErrorUnsupportedPtxVersion:
        case cudaErrorInvalidKernelImage:
            return "this build has no code for the GPU; build aernet with -DCMAKE_CUDA_ARCHITECTURES=native";
        case cudaErrorDevicesUnavailable:
            return "another process holds the GPU for itself (nvidia-smi shows the compute mode)";
        case cudaErrorIllegalAddress:
        case cudaErrorLaunchFailure:
        case cudaErrorLaunchTimeout:
        case cudaErrorMisalignedAddress:
        case cudaErrorIllegalInstruction:
        case cudaErrorInvalidAddressSpace:
        case cudaErrorInvalidPc:
        case cudaErrorHardwareStackError:
        case cudaErrorECCUncorrectable:
        case cudaErrorContextIsDestroyed:
        case cudaErrorUnknown:
            return "the GPU is lost to this process: start it again; if that recurs, the kernel's log has an Xid error";
        default:
            return "'aernet-trt doctor' tells what the GPU and the driver are";
    }
}

[[noreturn]] void fail(cudaError_t status, const std::string& doing) {
    cudaGetLastError();  // which would else be reported by a later call
    throw DeviceError(doing + ": " + cudaGetErrorString(status) + "; " + remedy(status));
}

}  // namespace

int device_count() {
    int count = 0;
    const auto status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess) {
        fail(status, "CUDA: looking for a GPU");
    }
    return count;
}

std::string driver_version() {
    int version = 0;
    return cudaDriverGetVersion(&version) == cudaSuccess && version > 0 ? version_text(version) : "";
}

std::string toolkit_version() { return version_text(CUDART_VERSION); }

Device::Device(int index) : index_(index) {
    if (index < 0 || index >= device_count()) {
        check(cudaErrorInvalidDevice, "choosing the GPU");
    }
    CUdevice device = 0;
    check(as_runtime(driver().device_get(&device, index)), "opening the GPU");
    check(as_runtime(driver().retain(&context_, device)), "opening the GPU");
    is_integrated_ = attribute(cudaDevAttrIntegrated) != 0;
    shares_pages_ = is_integrated_ && attribute(cudaDevAttrPageableMemoryAccessUsesHostPageTables) != 0;
}

std::string Device::name() const {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, index_), "reading the GPU's properties");
    return properties.name;
}

std::string Device::pci_bus_id() const {
    std::array<char, 32> text{};
    check(cudaDeviceGetPCIBusId(text.data(), static_cast<int>(text.size()), index_), "reading the GPU's properties");
    return text.data();
}

int Device::attribute(cudaDeviceAttr attribute) const {
    int value = 0;
    check(cudaDeviceGetAttribute(&value, attribute, index_), "reading the GPU's properties");
    return value;
}

std::size_t Device::total_memory() const {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, index_), "reading the GPU's properties");
    return properties.totalGlobalMem;
}

void Device::push() const { check(as_runtime(driver().push(context_)), "entering the GPU's context"); }

void Device::pop() const {
    CUcontext ours = nullptr;
    driver().pop(&ours);
}

void Device::check(cudaError_t status, const std::string& doing) const {
    if (status != cudaSuccess) {
        fail(status, "cuda:" + std::to_string(index_) + ": " + doing);
    }
}

bool Device::is_foreign(const void* pointer) const {
    CUcontext context = nullptr;
    const auto address = reinterpret_cast<CUdeviceptr>(pointer);
    const auto status = driver().pointer_attribute(&context, CU_POINTER_ATTRIBUTE_CONTEXT, address);
    return status == CUDA_SUCCESS && context != nullptr && context != context_;
}

Stream::Stream(std::shared_ptr<const Device> device) : device_(std::move(device)) {
    const CurrentDevice current(*device_);
    device_->check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
}

Stream::~Stream() {
    clean_up(*device_, [this] { cudaStreamDestroy(stream_); });
}

Event::Event(std::shared_ptr<const Device> device, bool is_timed) : device_(std::move(device)) {
    const CurrentDevice current(*device_);
    const unsigned flags = is_timed ? cudaEventDefault : cudaEventDisableTiming | cudaEventBlockingSync;
    device_->check(cudaEventCreateWithFlags(&event_, flags), "making an event");
}

Event::~Event() {
    clean_up(*device_, [this] { cudaEventDestroy(event_); });
}

void Event::record(cudaStream_t stream) const {
    const CurrentDevice current(*device_);
    device_->check(cudaEventRecord(event_, stream), "recording an event");
}

bool Event::is_reached() const {
    const CurrentDevice current(*device_);
    const auto status = cudaEventQuery(event_);
    if (status == cudaErrorNotReady) {
        cudaGetLastError();  // some releases of CUDA would report it at a later call
        return false;
    }
    device_->check(status, "looking at an event");
    return true;
}

void Event::wait(const std::string& doing) const {
    const CurrentDevice current(*device_);
    device_->check(cudaEventSynchronize(event_), doing);
}

void Event::hold(cudaStream_t stream, const std::string& doing) const {
    const CurrentDevice current(*device_);
    device_->check(cudaStreamWaitEvent(stream, event_, 0), doing);
}

float Event::milliseconds_since(const Event& start) const {
    const CurrentDevice current(*device_);
    float milliseconds = 0;
    device_->check(cudaEventElapsedTime(&milliseconds, start.event_, event_), "timing a step");
    return milliseconds;
}

std::shared_ptr<const Event> end_of_work(const std::shared_ptr<const Device>& device, cudaStream_t stream) {
    auto event = std::make_shared<const Event>(device, false);
    event->record(stream);
    return event;
}

void wait_for(const std::shared_ptr<const Device>& device, cudaStream_t stream, const std::string& doing) {
    const CurrentDevice current(*device);
    const auto status = cudaStreamQuery(stream);
    if (status != cudaErrorNotReady) {
        device->check(status, doing);
        return;
    }
    cudaGetLastError();  // some releases of CUDA would report it at a later call
    end_of_work(device, stream)->wait(doing);
}

}  // namespace aernet
