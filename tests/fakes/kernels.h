// The entry points of a library of kernels, for tests/fakes/kernels.py. What includes this defines how a kernel runs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/element.h"
#include "core/half.h"
#include "core/image.h"
#include "core/mask_body.h"
#include "core/overlay_body.h"
#include "core/preprocess_body.h"
#include "core/preprocess_columns.h"

using namespace aernet;

namespace {

template <class Column, class Number>
void run_preprocess(const Image& image, int count, std::ptrdiff_t frame_stride, int size, Number* tensor);

template <class Number>
void run_mask(const MaskJob<Number>& job, int count);

template <int channels>
void run_overlay(const OverlayJob& job, int count);

template <class Number>
void run_preprocess(const Image& image, int count, std::ptrdiff_t frame_stride, int size, Number* tensor) {
    switch (image.format) {
        case PixelFormat::kBgr:
        case PixelFormat::kRgb:
            return run_preprocess<InterleavedColumn<3>>(image, count, frame_stride, size, tensor);
        case PixelFormat::kBgra:
        case PixelFormat::kRgba:
            return run_preprocess<InterleavedColumn<4>>(image, count, frame_stride, size, tensor);
        case PixelFormat::kGray:
            return run_preprocess<InterleavedColumn<1>>(image, count, frame_stride, size, tensor);
        case PixelFormat::kNv12:
            return run_preprocess<Nv12Column>(image, count, frame_stride, size, tensor);
    }
}

}  // namespace

extern "C" {

void preprocess(const Image* image, int count, std::ptrdiff_t frame_stride, int size, void* tensor, Element element) {
    if (element == Element::kFloat16) {
        run_preprocess(*image, count, frame_stride, size, static_cast<Half*>(tensor));
    } else {
        run_preprocess(*image, count, frame_stride, size, static_cast<float*>(tensor));
    }
}

void mask(const void* probability, Element element, int count, int size, std::uint8_t* mask, std::ptrdiff_t height,
          std::ptrdiff_t width, std::ptrdiff_t pitch, std::ptrdiff_t mask_stride, float threshold) {
    if (element == Element::kFloat16) {
        run_mask(
            mask_job(static_cast<const Half*>(probability), size, mask, height, width, pitch, mask_stride, threshold),
            count);
    } else {
        run_mask(
            mask_job(static_cast<const float*>(probability), size, mask, height, width, pitch, mask_stride, threshold),
            count);
    }
}

void overlay(const DevicePictures* pictures, const DeviceMasks* masks, int count, const Tint* tint) {
    const OverlayJob job = overlay_job(*pictures, *masks, *tint);
    if (pictures->channels == 4) {
        run_overlay<4>(job, count);
    } else {
        run_overlay<3>(job, count);
    }
}

float half_and_back(float value) {
    Half half;
    store(value, &half);
    return load(&half);
}
}
