from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
from fakes.arrays import CudaArray
from nv12 import picture_of, random_planes

from aernet import AernetError, FrameError, ModelError, Nv12Frame, Segmentation, Segmenter

SIZE = 64


@pytest.fixture(scope="module")
def segmenter(model):
    with Segmenter(model) as segmenter:
        yield segmenter


@pytest.fixture(scope="module")
def frames(examples):
    """Real pictures, whole, cropped, turned and small."""
    pictures = [cv2.imread(str(path)) for path in examples[:3]]
    assert len(pictures) == 3
    small = cv2.resize(pictures[1], (50, 41), interpolation=cv2.INTER_AREA)
    return [*pictures, pictures[0][3:-5, 10:-1], pictures[1][::-1, ::-1], small]


def by_hand(model, frame):
    """OpenCV, ONNX Runtime, OpenCV: the probability at the network's and at the frame's size."""
    height, width = frame.shape[:2]
    method = cv2.INTER_AREA if min(height, width) >= SIZE else cv2.INTER_LINEAR
    resized = cv2.resize(frame.astype(np.float32) / 255, (SIZE, SIZE), interpolation=method)
    lab = (cv2.cvtColor(resized, cv2.COLOR_BGR2LAB) + np.array([0, 128, 128])) / (100, 255, 255)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    image = np.ascontiguousarray(lab.transpose(2, 0, 1)[np.newaxis], np.float32)
    (probability,) = session.run(None, {"image": image})
    return probability[0, 0], cv2.resize(probability[0, 0], (width, height), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize("index", range(6))
def test_it_agrees_with_opencv_and_onnx_runtime_by_hand(segmenter, model, frames, index):
    frame = frames[index]
    probability, at_frame_size = by_hand(model, frame)
    result = segmenter(frame)
    assert isinstance(result, Segmentation)
    assert result.probability.dtype == np.float32
    # The colours agree within 2e-3, and the model's steepest slope is 5.
    np.testing.assert_allclose(result.probability, probability, atol=5 * 2e-3)
    assert np.isin(result.mask, (0, 255)).all()
    undecided = np.abs(at_frame_size - 0.4) < 5 * 2e-3 + 1e-3
    assert np.array_equal(result.mask[~undecided] == 255, at_frame_size[~undecided] >= 0.4)
    assert undecided.mean() < 0.02


@pytest.mark.parametrize("colour", ["bgr", "nv12"])
def test_warming_up_runs_frames_of_the_sizes(model, colour):
    with Segmenter(model, colour=colour) as segmenter:
        seen, warm_up = [], segmenter.runner.warm_up
        segmenter.runner.warm_up = lambda frame, _: seen.append(frame.shape) or warm_up(frame, colour)
        segmenter.warm_up([(48, 64), (100, 90)])
        assert seen == ([(72, 64), (150, 90)] if colour == "nv12" else [(48, 64, 3), (100, 90, 3)])
        kind = "even sides of 2 to 16384" if colour == "nv12" else "sides of 1 to 16384"
        for sides in ((0, 64), (-1, 64)):
            with pytest.raises(FrameError, match=rf"^warm_up: expected {kind}, found {sides[0]} x"):
                segmenter.warm_up([sides])
        for sizes in ((48, 64), [(48.0, 64)], [(48, 64, 3)], ["48"]):
            with pytest.raises(FrameError, match=r"^warm_up: expected pairs of a height and a width"):
                segmenter.warm_up(sizes)
        for size in ((2, 20_000), (10**6, 10**6), (16386, 2)):
            with pytest.raises(FrameError, match="16384"):
                segmenter.warm_up([size])
        if colour == "nv12":
            with pytest.raises(
                FrameError, match=r"^warm_up: expected even sides of 2 to 16384, found 5 x 4$"
            ):
                segmenter.warm_up([(5, 4)])


def test_the_result_belongs_to_the_frame(segmenter, frames):
    result = segmenter(frames[0])
    assert result.frame is frames[0]
    assert result.threshold == segmenter.threshold == 0.4
    assert result.latency_ms > 0
    assert result.probability.shape == (SIZE, SIZE) == (segmenter.size, segmenter.size)


def test_a_later_frame_does_not_touch_an_earlier_result(segmenter, frames):
    first = segmenter(frames[0])
    mask, probability = first.mask.copy(), first.probability.copy()
    segmenter.batch(frames)
    segmenter(frames[1])
    np.testing.assert_array_equal(first.mask, mask)
    np.testing.assert_array_equal(first.probability, probability)


def test_a_batch_is_each_frame_by_itself(segmenter, frames):
    batch = segmenter.batch(frames)
    assert len(batch) == len(frames)
    for frame, result in zip(frames, batch, strict=True):
        alone = segmenter(frame)
        np.testing.assert_allclose(result.probability, alone.probability, atol=1e-6)
        np.testing.assert_array_equal(result.mask, alone.mask)
    assert len({result.latency_ms for result in batch}) == 1


def test_a_batch_after_a_larger_one(segmenter, frames):
    segmenter.batch(frames)
    for result, frame in zip(segmenter.batch(frames[:2]), frames[:2], strict=True):
        np.testing.assert_array_equal(result.mask, segmenter(frame).mask)


def test_a_batch_may_be_one_array(segmenter, frames):
    stack = np.stack([frames[0], frames[0][::-1]])
    upright, upside_down = segmenter.batch(stack)
    np.testing.assert_array_equal(upright.mask, segmenter(stack[0]).mask)
    np.testing.assert_array_equal(upside_down.mask, segmenter(stack[1]).mask)


def test_a_batch_may_be_an_iterator(segmenter, frames):
    for result, frame in zip(segmenter.batch(frame for frame in frames), frames, strict=True):
        assert result.frame is frame


def test_an_empty_batch(segmenter):
    assert segmenter.batch([]) == []


def test_several_threads_share_one_segmenter(segmenter, frames):
    expected = [segmenter(frame).mask for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(segmenter, frames * 8))
    for index, result in enumerate(results):
        np.testing.assert_array_equal(result.mask, expected[index % len(frames)])


def test_colour_order(model, frames):
    red_first = np.ascontiguousarray(frames[0][:, :, ::-1])
    with Segmenter(model) as bgr, Segmenter(model, colour="rgb") as rgb:
        np.testing.assert_array_equal(rgb(red_first).mask, bgr(frames[0]).mask)
        np.testing.assert_array_equal(rgb(red_first).overlay(), bgr(frames[0]).overlay())


def test_a_threshold_of_ones_own(model, frames):
    with Segmenter(model, threshold=0.9) as strict, Segmenter(model, threshold=0.1) as lax:
        assert (strict.threshold, lax.threshold) == (0.9, 0.1)
        narrow, wide = strict(frames[0]), lax(frames[0])
    assert 0 < narrow.area_fraction < wide.area_fraction
    assert narrow.threshold == 0.9


@pytest.mark.parametrize("threshold", [0, 1, -0.5, 1.5, float("nan"), "0.5", True, [0.5]])
def test_a_threshold_outside_0_to_1_is_refused(model, threshold):
    found = re.escape(repr(threshold))
    with pytest.raises(AernetError, match=rf"threshold must be between 0 and 1, .*found {found}$"):
        Segmenter(model, threshold=threshold)


def test_a_device_that_is_not_there_is_refused(model):
    assert Segmenter(model, "cpu").device == Segmenter(model, device="auto").device == "cpu"
    with pytest.raises(AernetError, match="device 'gpu': not available; expected one of auto, cpu"):
        Segmenter(model, device="gpu")


@pytest.mark.parametrize(
    ("device", "found"),
    [(0, "0; write 'cuda:0' for that GPU"), (None, "None"), (b"cpu", "b'cpu'"), (Path("cpu"), ".*Path.*")],
)
def test_a_device_is_a_name(model, device, found):
    with pytest.raises(AernetError, match=f"^device: expected a name, such as 'auto', .* found {found}$"):
        Segmenter(model, device)


def test_a_colour_order_that_is_none_is_refused(model):
    with pytest.raises(AernetError, match="colour must be 'bgr', 'rgb' or 'nv12', found 'hsv'"):
        Segmenter(model, colour="hsv")


def test_a_model_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"none\.onnx: no such model"):
        Segmenter(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((20, 30, 3), np.float32),
        np.zeros((20, 30, 3), np.uint16),
        np.zeros((20, 30, 2), np.uint8),
        np.zeros((2, 20, 30, 3), np.uint8),
        np.zeros((0, 30, 3), np.uint8),
        np.zeros((20, 0, 3), np.uint8),
        np.zeros(20, np.uint8),
        [[1, 2, 3]],
        None,
    ],
)
def test_a_frame_that_breaks_the_contract_is_refused(segmenter, frame):
    with pytest.raises(FrameError, match=r"^frame") as error:
        segmenter(frame)
    assert "\n" not in str(error.value)


def test_a_bad_frame_of_a_batch_is_numbered(segmenter, frames):
    with pytest.raises(FrameError, match=r"^frames\[1\]: frame.* float32"):
        segmenter.batch([frames[0], frames[1].astype(np.float32)])


def test_probabilities_that_are_not_numbers_are_refused(tmp_path, write_model, frames):
    path = write_model(tmp_path / "nan.onnx", bias=float("nan"))
    with Segmenter(path) as segmenter, pytest.raises(FrameError, match=r"probability.* found nan"):
        segmenter(frames[0])


@pytest.mark.parametrize(
    ("shape", "value"), [((40, 30, 4), 0), ((40, 30), 255), ((40, 30, 1), 0), ((1, 1, 3), 255)]
)
def test_other_frames(segmenter, shape, value):
    result = segmenter(np.full(shape, value, np.uint8))
    np.testing.assert_array_equal(result.mask, np.full(shape[:2], 255 - value))


def test_a_submitted_frame(segmenter, frames):
    pending = [segmenter.submit(frame) for frame in frames]
    for frame, under_way in zip(frames, pending, strict=True):
        result = under_way.result()
        assert result is under_way.result()
        assert result.frame is frame
        assert result.latency_ms > 0
        np.testing.assert_array_equal(result.mask, segmenter(frame).mask)


def test_a_frame_that_breaks_the_contract_is_refused_at_submission(segmenter, frames):
    with pytest.raises(FrameError, match=r"^frame: expected .* found float32"):
        segmenter.submit(frames[0].astype(np.float32))


def test_nv12(model, frames):
    picture = cv2.resize(frames[0], (220, 160), interpolation=cv2.INTER_AREA)
    i420 = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    nv12 = i420.copy()
    nv12[160:] = i420[160:].reshape(2, -1).T.reshape(80, 220)  # the chroma side by side
    decoded = cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420)
    with Segmenter(model, colour="nv12") as from_nv12, Segmenter(model) as from_bgr:
        result, expected = from_nv12(nv12), from_bgr(decoded)
    assert result.frame is nv12
    np.testing.assert_array_equal(result.mask, expected.mask)
    np.testing.assert_array_equal(result.overlay(), expected.overlay())


@pytest.mark.parametrize("colour", ["bgr", "rgb", "nv12"])
def test_planes_say_themselves_what_they_are(model, colour):
    luma, chroma = random_planes(np.random.default_rng(0), 91, 127)
    frame = Nv12Frame(luma, chroma, "bt709")
    picture = picture_of(luma, chroma, ("bt709", False))
    with Segmenter(model, colour=colour) as segmenter, Segmenter(model) as from_bgr:
        results = [segmenter(frame), segmenter.submit(frame).result()]
        expected = from_bgr(picture)
        with pytest.raises(FrameError, match=r"frame: expected a NumPy array .* found Nv12Frame"):
            segmenter(Nv12Frame(CudaArray(luma), CudaArray(chroma)))
    for result in results:
        assert result.frame is frame
        assert result.colour == "nv12"
        np.testing.assert_array_equal(result.mask, expected.mask)
        np.testing.assert_array_equal(result.overlay(), expected.overlay())
    with pytest.raises(FrameError, match="colour must be 'nv12' for an Nv12Frame, got 'bgr'"):
        replace(results[0], colour="bgr")


def test_masks_on_the_cpu_stay_on_the_host(segmenter, frames):
    taken = []
    for given in ((taken.append(frame) or frame for frame in frames), []):
        with pytest.raises(AernetError, match="makes masks in the host's memory"):
            segmenter.masks_on_device(given)
    assert not taken  # it is refused before any work is done


def test_repr(segmenter):
    version = onnxruntime.__version__
    assert repr(segmenter) == f"Segmenter(model='dark', device='cpu', runtime='ONNX Runtime {version}')"
    assert segmenter.card.licence == "Apache-2.0"


def test_closed(model, frames):
    segmenter = Segmenter(model)
    segmenter.close()
    segmenter.close()
    for use in (
        lambda: segmenter(frames[0]),
        lambda: segmenter.batch([]),
        lambda: segmenter.submit(frames[0]),
        lambda: segmenter.masks_on_device([]),
        lambda: segmenter.runner,
    ):
        with pytest.raises(AernetError, match=r"^Segmenter\(model='dark'.* is closed"):
            use()
    with Segmenter(model) as other:
        pass
    with pytest.raises(AernetError, match="is closed"):
        other(frames[0])
