"""Frames and masks of other libraries, which share the primary context; no TensorRT."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from gpu.conftest import SIZE
from nv12 import CONVERSIONS, picture_of, random_planes
from runners.planes import answer_of, answers, assert_agrees, expected, masks_on_device

from aernet import FrameError, Nv12Frame

pytestmark = pytest.mark.gpu

EXAMPLE = Path(__file__).parents[2] / "examples" / "pycuda_interop.py"


@pytest.fixture
def frame(real_frames):
    return np.ascontiguousarray(real_frames[5])


@pytest.fixture(scope="module")
def torch():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU")
    return torch


@pytest.fixture(scope="module")
def cupy():
    return pytest.importorskip("cupy")


@pytest.fixture(scope="module")
def gpuarray():
    pytest.importorskip("pycuda.autoprimaryctx")
    return pytest.importorskip("pycuda.gpuarray")


def test_torch(copying, frame, torch):
    tensor = torch.from_numpy(frame).cuda()
    (answer,) = answers(copying, [copying.gpu.wrap(tensor)])
    assert_agrees(answer, expected(frame, "bgr", size=SIZE))
    (mask,) = masks_on_device(copying, [copying.gpu.wrap(tensor)])
    for taken in (torch.from_dlpack(mask), torch.as_tensor(mask, device="cuda")):
        assert taken.data_ptr() == mask.__cuda_array_interface__["data"][0]
        np.testing.assert_array_equal(taken.cpu().numpy(), answer[0])


def test_a_crop_of_a_tensor_is_not_copied(copying, frame, torch):
    crop = torch.from_numpy(frame).cuda()[100:-50, 30:-90]
    accepted = copying.gpu.wrap(crop)
    assert accepted.__cuda_array_interface__["data"][0] == crop.data_ptr()
    (answer,) = answers(copying, [accepted])
    assert_agrees(answer, expected(np.ascontiguousarray(frame[100:-50, 30:-90]), "bgr", size=SIZE))
    with pytest.raises(FrameError, match="make it contiguous"):
        copying.gpu.wrap(crop.permute(2, 0, 1))


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_two_planes_of_torch_are_not_copied(copying, torch, conversion):
    luma, chroma = random_planes(np.random.default_rng(0), 1079, 1917)
    wanted = expected(picture_of(luma, chroma, conversion), "bgr", size=SIZE)
    pitched = torch.zeros((1079, 2048), dtype=torch.uint8, device="cuda")
    on_gpu = pitched[:, :1917]
    on_gpu.copy_(torch.from_numpy(luma))
    frame = Nv12Frame(on_gpu, torch.from_numpy(chroma).cuda(), *conversion)
    (prediction,) = copying.predict([frame], "bgr")
    assert prediction.frame.luma.__cuda_array_interface__["data"][0] == pitched.data_ptr()
    assert_agrees(answer_of(prediction), wanted)


def test_work_on_a_stream_of_torch_is_waited_for(copying, torch):
    white = np.full((1080, 1920, 3), 255, np.uint8)
    stream = torch.cuda.Stream()
    tensor = torch.zeros((1080, 1920, 3), dtype=torch.uint8, device="cuda")
    torch.cuda.synchronize()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(200_000_000)  # cycles: about a tenth of a second
        tensor.fill_(255)
        frame = copying.gpu.wrap(tensor)
    (answer,) = answers(copying, [frame])
    assert_agrees(answer, expected(white, "bgr", size=SIZE))


def test_a_mask_that_is_still_read_is_not_written_over(copying, frame, torch):
    """What torch queued on its default stream before it let go of a mask sees that mask."""
    black = np.zeros_like(frame)
    (wanted,) = answers(copying, [frame])
    (mask,) = masks_on_device(copying, [frame])
    taken = torch.from_dlpack(mask)
    torch.cuda._sleep(200_000_000)
    copy = taken.clone()
    del taken, mask
    masks_on_device(copying, [black])
    np.testing.assert_array_equal(copy.cpu().numpy(), wanted[0])


def test_cupy(copying, frame, cupy):
    array = cupy.asarray(frame)
    with cupy.cuda.Stream(non_blocking=True):
        twice = (array // 2) * 2
        accepted = copying.gpu.wrap(twice)
    (answer,) = answers(copying, [accepted])
    assert_agrees(answer, expected(frame // 2 * 2, "bgr", size=SIZE))
    (mask,) = masks_on_device(copying, [accepted])
    for taken in (cupy.asarray(mask), cupy.from_dlpack(mask)):
        assert taken.data.ptr == mask.__cuda_array_interface__["data"][0]
        np.testing.assert_array_equal(cupy.asnumpy(taken), answer[0])


def test_pycuda(copying, driver, frame, gpuarray):
    before = driver.current_context()
    accepted = copying.gpu.wrap(gpuarray.to_gpu(frame))
    (answer,) = answers(copying, [accepted])
    assert_agrees(answer, expected(frame, "bgr", size=SIZE))
    (mask,) = masks_on_device(copying, [accepted])
    interface = mask.__cuda_array_interface__
    taken = gpuarray.GPUArray(interface["shape"], np.uint8, gpudata=interface["data"][0])
    np.testing.assert_array_equal(taken.get(), answer[0])
    assert driver.current_context() == before


@pytest.mark.usefixtures("gpuarray")
def test_a_context_of_pycudas_own_is_refused_and_left_as_it_is(copying, driver, frame):
    import pycuda.driver as cuda
    from pycuda import gpuarray

    context = cuda.Device(0).make_context()
    try:
        array = gpuarray.to_gpu(frame)
        with pytest.raises(FrameError, match=r"primary context, found another context's; .*autoprimaryctx"):
            copying.gpu.wrap(array)
        own = driver.current_context()
        (answer,) = answers(copying, [frame])
        assert_agrees(answer, expected(frame, "bgr", size=SIZE))
        assert driver.current_context() == own
        np.testing.assert_array_equal(array.get(), frame)
        del array
    finally:
        context.pop()
        context.detach()


@pytest.mark.usefixtures("gpuarray", "engine")
def test_the_example(examples, capsys):
    specification = importlib.util.spec_from_file_location("pycuda_interop", EXAMPLE)
    example = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(example)
    example.main(examples[0])
    assert "lesion" in capsys.readouterr().out


def test_page_locked_memory(copying, frame, torch):
    locked = torch.from_numpy(frame).pin_memory().numpy()
    for view in (locked, locked[50:-50, 20:-10], locked[..., ::-1], locked[::-1]):
        (answer,) = answers(copying, [view])
        assert_agrees(answer, expected(view, "bgr", size=SIZE))
