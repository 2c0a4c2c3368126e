// The functions of the CUDA driver that PyCUDA needs, over the fake runtime: its memory, streams and primary context.

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <cstring>

#include "fakes/cuda.h"

#pragma GCC visibility push(default)

namespace {

CUresult result(cudaError_t status) { return static_cast<CUresult>(status); }

void* address(CUdeviceptr pointer) { return reinterpret_cast<void*>(pointer); }

template <class Function, class... Arguments>
CUresult call(const char* name, Function*, Arguments... arguments) {
    void* function = nullptr;
    cudaDriverEntryPointQueryResult found{};
    cudaGetDriverEntryPointByVersion(name, &function, 12000, 0, &found);
    return reinterpret_cast<Function*>(function)(arguments...);
}

}  // namespace

extern "C" {

CUresult cuInit(unsigned) { return CUDA_SUCCESS; }

CUresult cuDriverGetVersion(int* version) { return result(cudaDriverGetVersion(version)); }

CUresult cuGetErrorString(CUresult, const char** text) {
    *text = "refused";
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int* count) { return result(cudaGetDeviceCount(count)); }

CUresult cuDeviceGet(CUdevice* device, int index) { return call("cuDeviceGet", &cuDeviceGet, device, index); }

CUresult cuDeviceGetName(char* name, int, CUdevice) {
    std::strcpy(name, "Host");
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device) {
    return result(cudaDeviceGetAttribute(value, static_cast<cudaDeviceAttr>(attribute), device));
}

CUresult cuDeviceComputeCapability(int* major, int* minor, CUdevice device) {
    cuDeviceGetAttribute(major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device);
    return cuDeviceGetAttribute(minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device);
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
    return call("cuDevicePrimaryCtxRetain", &cuDevicePrimaryCtxRetain, context, device);
}

CUresult cuDevicePrimaryCtxRelease(CUdevice) { return CUDA_SUCCESS; }

CUresult cuCtxPushCurrent(CUcontext context) { return call("cuCtxPushCurrent", &cuCtxPushCurrent, context); }

CUresult cuCtxPopCurrent(CUcontext* context) { return call("cuCtxPopCurrent", &cuCtxPopCurrent, context); }

CUresult cuCtxGetCurrent(CUcontext* context) {
    *context = reinterpret_cast<CUcontext>(fake_cuda::context());
    return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice* device) {
    *device = 0;
    return fake_cuda::context() == 0 ? CUDA_ERROR_INVALID_CONTEXT : CUDA_SUCCESS;
}

CUresult cuCtxDetach(CUcontext) { return CUDA_SUCCESS; }

CUresult cuMemAlloc(CUdeviceptr* pointer, std::size_t bytes) {
    void* memory = nullptr;
    const auto status = cudaMalloc(&memory, bytes);
    *pointer = reinterpret_cast<CUdeviceptr>(memory);
    return result(status);
}

CUresult cuMemFree(CUdeviceptr pointer) { return result(cudaFree(address(pointer))); }

CUresult cuMemHostAlloc(void** pointer, std::size_t bytes, unsigned flags) {
    return result(cudaHostAlloc(pointer, bytes, flags));
}

CUresult cuMemFreeHost(void* pointer) { return result(cudaFreeHost(pointer)); }

CUresult cuMemcpyHtoD(CUdeviceptr target, const void* source, std::size_t bytes) {
    return result(cudaMemcpy(address(target), source, bytes, cudaMemcpyDefault));
}

CUresult cuMemcpyDtoH(void* target, CUdeviceptr source, std::size_t bytes) {
    return result(cudaMemcpy(target, address(source), bytes, cudaMemcpyDefault));
}

CUresult cuMemcpyHtoDAsync(CUdeviceptr target, const void* source, std::size_t bytes, CUstream stream) {
    return result(cudaMemcpyAsync(address(target), source, bytes, cudaMemcpyDefault, stream));
}

CUresult cuMemcpyDtoHAsync(void* target, CUdeviceptr source, std::size_t bytes, CUstream stream) {
    return result(cudaMemcpyAsync(target, address(source), bytes, cudaMemcpyDefault, stream));
}

CUresult cuStreamCreate(CUstream* stream, unsigned flags) { return result(cudaStreamCreateWithFlags(stream, flags)); }

CUresult cuStreamDestroy(CUstream stream) { return result(cudaStreamDestroy(stream)); }

CUresult cuStreamSynchronize(CUstream stream) { return result(cudaStreamSynchronize(stream)); }
}

#pragma GCC visibility pop
