// Launches the kernels of nvcc's PTX, with the memory that each may touch.

#include "../kernels.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <typeinfo>
#include <vector>

#include "machine.h"

namespace {

template <class T>
std::string name_of() {
    const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(typeid(T).name(), nullptr, nullptr, nullptr),
                                                      std::free);
    return text.get();
}

template <class Column, class Number>
void run_preprocess(const Image& image, int count, std::ptrdiff_t frame_stride, int size, Number* tensor) {
    const auto job = preprocess_job<Column>(image, frame_stride, size, tensor);
    const std::ptrdiff_t bytes = std::ptrdiff_t{3} * count * size * size * static_cast<std::ptrdiff_t>(sizeof(Number));
    const ptx::Region frames{
        image.data, image.width * image.pixel_stride, image.row_stride, image.height, frame_stride, count, false};
    const ptx::Region chroma{image.chroma,
                             (image.width + 1) / 2 * 2,
                             image.chroma_stride,
                             (image.height + 1) / 2,
                             frame_stride,
                             image.chroma ? count : 0,
                             false};
    ptx::launch("preprocess_kernel<" + name_of<Column>() + ", " + name_of<Number>() + ">", preprocess_grid(count, size),
                {kTileThreads, 1, 1}, &job, {frames, chroma, {tensor, bytes, 0, 1, 0, 1, true}});
}

template <class Number>
void run_mask(const MaskJob<Number>& job, int count) {
    const std::ptrdiff_t bytes =
        std::ptrdiff_t{count} * job.size * job.size * static_cast<std::ptrdiff_t>(sizeof(Number));
    ptx::launch("mask_kernel<" + name_of<Number>() + ">", mask_grid(job, count), kMaskBlock, &job,
                {{job.probability, bytes, 0, 1, 0, 1, false},
                 {job.mask, job.width, job.pitch, job.height, job.mask_stride, count, true}});
}

template <int channels>
void run_overlay(const OverlayJob& job, int count) {
    const DevicePictures& pictures = job.pictures;
    ptx::launch(
        "overlay_kernel<" + std::to_string(channels) + ">", overlay_grid<channels>(pictures, count), kOverlayBlock,
        &job,
        {{job.masks.data, pictures.width, job.masks.pitch, pictures.height, job.masks.stride, count, false},
         {pictures.data, pictures.width * channels, pictures.pitch, pictures.height, pictures.stride, count, true}});
}

}  // namespace
