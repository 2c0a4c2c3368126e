"""Frames and masks that stay in the GPU's memory, over the fake CUDA runtime and a fake TensorRT."""

from __future__ import annotations

import ctypes
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from fakes.arrays import CudaArray, DlpackArray
from nv12 import CONVERSIONS, picture_of, random_planes
from runners.answers import THRESHOLD, assert_same, pictures, read, run
from runners.planes import masks_on_device

import aernet.runners.tensorrt
import aernet.segmenter
from aernet import FrameError, Nv12Frame, Segmentation, Segmenter
from aernet.measure import measure_mask


def test_frames_in_the_gpus_memory(fake_native, runner, reference):
    memory = fake_native.allocate([90, 128, 4], on_device=True)
    memory[:] = np.random.default_rng(0).integers(0, 256, memory.shape)
    gray = memory.reshape(90, 512)[:, :200]
    rows = np.lib.stride_tricks.as_strided(memory, (90, 100, 3), (512, 3, 1))  # as a pitched allocation
    for array in (memory, memory[10:-10, 4:-8], gray, rows):
        expected = run(reference, [np.ascontiguousarray(array)], "rgb")
        for given in (CudaArray(array), CudaArray(array, stream=2)):
            frame = runner.gpu.wrap(given)
            assert (frame.shape, frame.ndim, frame.dtype) == (array.shape, array.ndim, np.uint8)
            np.testing.assert_array_equal(np.asarray(frame), array)
            assert_same(run(runner, [frame], "rgb"), expected)
            assert_same(run(runner, [given], "rgb"), expected)


@pytest.mark.parametrize("conversion", CONVERSIONS)
@pytest.mark.parametrize("shape", [(90, 128), (91, 127)])
def test_planes_in_the_gpus_memory(fake_native, runner, reference, shape, conversion):
    luma, chroma = random_planes(np.random.default_rng(2), *shape)
    picture = picture_of(luma, chroma, conversion)
    pairs = chroma.shape[1]
    memory = fake_native.allocate([len(luma), 144], on_device=True)
    pitched = fake_native.allocate([len(chroma), 160], on_device=True)
    on_gpu = memory[:, 3 : 3 + luma.shape[1]]
    flat = pitched[:, 5 : 5 + 2 * pairs]
    on_gpu[:], flat[:] = luma, chroma.reshape(len(chroma), -1)
    in_pairs = np.lib.stride_tricks.as_strided(flat, chroma.shape, (160, 2, 1))
    expected = run(reference, [picture])
    for given in (CudaArray(flat), CudaArray(in_pairs), DlpackArray(runner.gpu.wrap(CudaArray(flat)))):
        frame = Nv12Frame(CudaArray(on_gpu), given, *conversion)
        assert frame.shape == shape
        (prediction,) = runner.predict([frame], "bgr")
        assert_same(read([prediction]), expected)
        np.testing.assert_array_equal(prediction.frame.to_bgr(), picture)
        result = Segmentation.of(prediction.frame, prediction, THRESHOLD, time.perf_counter(), "bgr")
        assert result.colour == "nv12"
        plain = result.overlay(tint=0)
        assert result.measure() == measure_mask(result.mask, picture)
        skin = cv2.dilate(result.mask, np.ones((5, 5), np.uint8)) == 0
        assert skin.any()
        np.testing.assert_array_equal(plain[skin], picture[skin])
        np.testing.assert_array_equal(result.overlay()[skin], picture[skin])


@pytest.mark.parametrize("slow", [0, 1])
def test_work_under_way_on_a_plane_is_waited_for(fake_native, runner, reference, slow):
    planes = [fake_native.allocate(shape, on_device=True) for shape in ([64, 64], [32, 64])]
    for plane in planes:
        plane[:] = 40
    fake_native.fill_slowly(1, planes[slow], 200)
    frame = Nv12Frame(*(CudaArray(plane) for plane in planes))
    found = run(runner, [frame])
    filled = [np.full_like(plane, 200 if index == slow else 40) for index, plane in enumerate(planes)]
    assert_same(
        found, run(reference, [picture_of(filled[0], filled[1].reshape(32, 32, 2), ("bt601", False))])
    )


def test_what_are_no_planes_on_this_gpu(fake_native, runner):
    luma, chroma = (fake_native.allocate(shape, on_device=True) for shape in ([64, 64], [32, 64]))
    for planes, message in (
        (
            (CudaArray(luma), CudaArray(chroma[:31])),
            "expected chroma of 32 x 64 or 32 x 32 x 2 .* found 31 x 64",
        ),
        ((CudaArray(luma[:, ::2]), CudaArray(chroma)), "expected pixels without gaps"),
        ((CudaArray(luma), CudaArray(np.zeros((32, 64), np.uint8))), "memory of cuda:0, found the host's"),
    ):
        with pytest.raises(FrameError, match=rf"^frame: .*{message}"):
            runner.predict([Nv12Frame(*planes)], "nv12")


def test_frames_by_dlpack(fake_native, runner, reference):
    memory = fake_native.allocate([90, 128, 3], on_device=True)
    memory[:] = np.random.default_rng(1).integers(0, 256, memory.shape)
    given = DlpackArray(runner.gpu.wrap(CudaArray(memory)))
    frame = runner.gpu.wrap(given)
    assert given.streams[0] > 2  # one of ours, not a default one
    assert_same(run(runner, [frame]), run(reference, [memory]))


def test_the_stride_of_an_axis_of_one_means_nothing(fake_native, runner):
    memory = fake_native.allocate([5, 6, 3], on_device=True)
    memory[:] = np.arange(90).reshape(memory.shape)
    for view in (memory[:1], memory[:, :1], memory[:1, :1], memory[..., :1]):
        strides = [1 if side == 1 else stride for side, stride in zip(view.shape, view.strides, strict=True)]
        if view.shape[1] > 1 and view.shape[2] == 1:  # its pixels have gaps
            continue
        frame = runner.gpu.wrap(CudaArray(view, strides=tuple(strides)))
        np.testing.assert_array_equal(np.asarray(frame), view)


def test_work_under_way_on_a_frame_is_waited_for(fake_native, runner, reference):
    memory = fake_native.allocate([64, 64, 3], on_device=True)
    memory[:] = 0
    fake_native.fill_slowly(1, memory, 255)
    frame = runner.gpu.wrap(CudaArray(memory))
    expected = run(reference, [np.full((64, 64, 3), 255, np.uint8)])
    assert_same(run(runner, [frame]), expected)


def test_what_is_no_frame_on_this_gpu(fake_native, runner, set_up):
    memory = fake_native.allocate([90, 128, 3], on_device=True)
    with pytest.raises(FrameError, match=r"^frame: expected pixels without gaps, .* make it contiguous"):
        runner.predict([CudaArray(memory.transpose(1, 0, 2))], "bgr")
    with pytest.raises(FrameError, match=r"^frame: expected uint8, found <f4; convert it"):
        runner.predict([CudaArray(memory, typestr="<f4")], "bgr")
    with pytest.raises(FrameError, match=r"^frame: expected H x W x 3, .* found the shape \(90,\)"):
        runner.predict([CudaArray(memory[:, 0, 0], strides=None)], "bgr")
    with pytest.raises(FrameError, match=r"expected memory of cuda:0, found the host's"):
        runner.predict([CudaArray(np.zeros((9, 9), np.uint8))], "bgr")
    with pytest.raises(
        FrameError, match=r"expected a NumPy array or one in the memory of cuda:0 .* found list"
    ):
        runner.predict([[1]], "bgr")
    with pytest.raises(FrameError, match="expected pixels without gaps"):
        runner.predict([CudaArray(memory[:2, ..., 0], strides=(1 << 32, 1))], "bgr")
    set_up(gpus=2)
    second, elsewhere = (
        fake_native.Device(1),
        r"memory of cuda:{}, found cuda:{}'s; copy it, or use a segmenter",
    )
    for given in (CudaArray(memory), DlpackArray(memory), runner.gpu.wrap(CudaArray(memory))):
        with pytest.raises(FrameError, match=elsewhere.format(1, 0)):
            second.wrap(given)
    with pytest.raises(FrameError, match=elsewhere.format(0, 1)):
        runner.predict([DlpackArray(memory, 1)], "bgr")
    set_up(foreign_pointer=memory.ctypes.data)
    with pytest.raises(FrameError, match=r"cuda:0's primary context, .* import pycuda\.autoprimaryctx"):
        runner.predict([CudaArray(memory)], "bgr")
    set_up()
    with pytest.raises(FrameError, match=r"found 90 x 64 x 6"):
        runner.predict([CudaArray(memory.reshape(90, 64, 6))], "bgr")


def test_masks_that_stay(runner, reference):
    views = [view for view, colour, _ in pictures(6, 20) if colour == "bgr"][:5]
    masks = masks_on_device(runner, views, threshold=THRESHOLD)
    for mask, (expected, probability) in zip(masks, run(reference, views), strict=True):
        interface = mask.__cuda_array_interface__
        assert (interface["shape"], interface["typestr"], interface["version"]) == (expected.shape, "|u1", 3)
        pointer = ctypes.cast(interface["data"][0], ctypes.POINTER(ctypes.c_uint8))
        there = np.ctypeslib.as_array(pointer, expected.shape)  # this GPU's memory is the host's
        np.testing.assert_array_equal(there, np.asarray(mask))
        assert_same([(mask, probability)], [(expected, probability)])
        assert mask.__dlpack_device__() == (2, 0)
        np.testing.assert_array_equal(np.asarray(runner.gpu.wrap(DlpackArray(mask))), there)


def test_a_mask_on_the_gpu_is_never_copied_unasked(runner):
    (mask,) = masks_on_device(runner, [np.zeros((9, 8, 3), np.uint8)], threshold=THRESHOLD)
    with pytest.raises(ValueError, match="without a copy"):
        mask.__array__(copy=False)
    with pytest.raises(BufferError, match="never as a copy"):
        mask.__dlpack__(copy=True)
    with pytest.raises(BufferError, match="where it lies"):
        mask.__dlpack__(dl_device=(1, 0))


@pytest.mark.parametrize("channels", [3, 4])
def test_a_mask_tints_a_picture_on_the_gpu(fake_native, runner, channels):
    colour, share = (10, 200, 90), 0.25
    memory = fake_native.allocate([70, 64, channels], on_device=True)
    memory[:] = np.random.default_rng(0).integers(0, 256, memory.shape)
    before = memory.copy()
    (mask,) = masks_on_device(runner, [memory], threshold=THRESHOLD)
    fake_native.fill_slowly(1, memory[:1], 7)  # of the legacy default stream, for which the tint waits
    before[:1] = 7
    mask.tint(CudaArray(memory), colour, share)
    wanted = before.astype(float)
    wanted[..., :3] += np.where(np.asarray(mask)[..., None], share * (np.array(colour) - wanted[..., :3]), 0)
    assert np.asarray(mask).any()
    assert np.abs(memory - wanted).max() <= 0.5
    for other, message in (
        (
            memory[1:],
            rf"a mask, H x W, and a picture, .* found the shapes \(70, 64\) and \(69, 64, {channels}\)",
        ),
        (memory[..., 0], "pixels without gaps"),
        (np.zeros_like(memory), "memory of cuda:0, found the host's"),
    ):
        with pytest.raises(FrameError, match=message):
            mask.tint(CudaArray(other), colour, share)
    with pytest.raises(ValueError, match="share: expected 0 to 1, found 1"):
        mask.tint(CudaArray(memory), colour, 1.5)


@pytest.fixture
def on_the_gpu(runner, monkeypatch):
    """A segmenter that is warmed up, and a picture in the GPU's memory."""
    monkeypatch.setattr(aernet.segmenter, "open_runner", lambda *_: runner)
    segmenter = Segmenter(threshold=THRESHOLD)
    segmenter.warm_up([(70, 64)])
    memory = aernet.runners.tensorrt._native.allocate([70, 64, 3], on_device=True)
    memory[:] = np.random.default_rng(0).integers(0, 256, memory.shape)
    return segmenter, memory


def test_masks_wait_for_the_stream_of_the_frame_alone(fake_native, runner, on_the_gpu):
    """What another library queues on the default stream holds up no mask, though it had one before."""
    segmenter, memory = on_the_gpu
    lane = runner.make_lane()  # which owns the stream
    stream = lane.native.stream
    (mask,) = segmenter.masks_on_device([CudaArray(memory, stream=stream)])
    expected = np.asarray(mask).copy()
    assert mask.__cuda_array_interface__["stream"] is None
    del mask
    let_go = fake_native.hold(1)
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(segmenter.masks_on_device, [CudaArray(memory, stream=stream)])
        try:
            (mask,) = job.result(timeout=60)
        finally:
            let_go()
    np.testing.assert_array_equal(np.asarray(mask), expected)


def test_a_mask_that_another_library_still_reads_is_not_written_over(fake_native, on_the_gpu):
    segmenter, memory = on_the_gpu
    (mask,) = segmenter.masks_on_device([CudaArray(memory)])
    expected = np.asarray(mask).copy()
    copy = fake_native.allocate([70, 64], on_device=True)
    source = mask.__cuda_array_interface__["data"][0]
    let_go = fake_native.hold(1)
    fake_native.copy(copy.ctypes.data, source, copy.size, 1)
    del mask
    pending = [segmenter.submit(np.zeros((70, 64, 3), np.uint8)) for _ in range(2)]
    masks = [segmenter.runner.predict([np.zeros((70, 64, 3), np.uint8)], "bgr")[0].mask(70, 64, THRESHOLD)]
    let_go()
    assert all(np.asarray(one).all() for one in (*masks, *(one.result().mask for one in pending)))
    np.testing.assert_array_equal(copy, expected)
    assert not expected.all()


def test_who_waits_leaves_the_processor_to_others(fake_native, on_the_gpu, set_up):
    segmenter, memory = on_the_gpu
    set_up(delay_us=2000)
    before = fake_native.calls()
    frame = np.zeros((70, 64, 3), np.uint8)
    for pending in [segmenter.submit(frame) for _ in range(4)]:
        assert pending.result().mask.all()
    (mask,) = segmenter.masks_on_device([CudaArray(memory)])
    mask.tint(CudaArray(memory), (1, 2, 3), 0.5)
    after = fake_native.calls()
    assert after["waits"] > before["waits"] + 4
    assert after["spins"] == before["spins"]


def test_what_reads_a_mask_waits_for_it(runner, set_up):
    """By the stream that the CUDA array interface names, and by the one that DLPack is given."""
    frame = np.zeros((50, 60, 3), np.uint8)
    set_up(delay_us=20_000)
    (mask,) = masks_on_device(runner, [frame], threshold=THRESHOLD)
    assert mask.__cuda_array_interface__["stream"] == 1  # the legacy default one, made to wait
    (mask,) = masks_on_device(runner, [frame], threshold=THRESHOLD)
    wrapped = runner.gpu.wrap(DlpackArray(mask))
    set_up()
    np.testing.assert_array_equal(np.asarray(wrapped), np.full((50, 60), 255))
    np.asarray(mask)
    assert mask.__cuda_array_interface__["stream"] is None
