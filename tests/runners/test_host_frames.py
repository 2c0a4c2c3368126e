"""How frames in the host's ordinary memory reach a GPU: copied, or read where they lie."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from nv12 import picture_of, random_planes
from runners.answers import assert_same, pictures, read, run

from aernet import Nv12Frame
from aernet.runners.lane import FRAME_BUFFERS

THOR = {"is_integrated": True, "shares_pages": True}
ORIN = {"is_integrated": True}
DESKTOP = {"shares_pages": True}  # as Linux can do it for any GPU; its memory is another one
WIDTH = 64  # whose rows begin at multiples of 16 bytes


@pytest.fixture
def aligned():
    """Make an array whose rows begin at multiples of 16 bytes, for that many bytes beyond one."""

    def aligned(shape, beyond=0):
        size = int(np.prod(shape))
        memory = np.zeros(size + 32, np.uint8)
        begin = -memory.ctypes.data % 16 + beyond
        return memory[begin : begin + size].reshape(shape)

    return aligned


def changed_while_it_waits(fake_native, runner, frame, plane):
    """The answer for a frame of which a plane changes while the GPU has yet to begin."""
    lane = runner.make_lane()
    for _ in range(FRAME_BUFFERS):  # which are allocated, for which the GPU is waited for
        lane.predict([frame], "bgr", None)
    lane.native.wait()
    network = lane.network(1)
    let_go = fake_native.hold(lane.native.stream)
    lane.native.put(frame, "bgr")
    plane[:] = 200
    let_go()
    lane.native.run(network)
    return read(lane.native.predictions())


@pytest.mark.parametrize(
    ("gpu", "beyond", "is_copied", "is_read_in_place"),
    [(THOR, 0, False, True), (THOR, 1, False, False), (ORIN, 0, False, False), (DESKTOP, 0, True, False)],
)
def test_a_frame_is_read_where_it_lies(
    fake_native, open_engine, set_up, aligned, reference, gpu, beyond, is_copied, is_read_in_place
):
    set_up(**gpu)
    runner, _ = open_engine()
    frame = aligned((50, WIDTH, 3), beyond)
    frame[:] = 40
    before = fake_native.calls()
    answers = changed_while_it_waits(fake_native, runner, frame, frame)
    after = fake_native.calls()
    assert_same(answers, run(reference, [np.full_like(frame, 200 if is_read_in_place else 40)]))
    assert (after["copies in"] > before["copies in"]) == is_copied
    assert after["preprocess off alignment"] == before["preprocess off alignment"]


@pytest.mark.parametrize("changed", [0, 1])
def test_planes_are_read_where_they_lie(fake_native, open_engine, set_up, aligned, reference, changed):
    set_up(**THOR)
    runner, _ = open_engine()
    planes = [aligned((50, WIDTH)), aligned((25, WIDTH))]
    for plane in planes:
        plane[:] = 90
    before = fake_native.calls()
    answers = changed_while_it_waits(fake_native, runner, Nv12Frame(*planes), planes[changed])
    luma, chroma = planes
    wanted = picture_of(luma, chroma.reshape(25, -1, 2), ("bt601", False))
    assert_same(answers, run(reference, [wanted]))
    assert (planes[changed] == 200).all()
    assert fake_native.calls()["copies in"] == before["copies in"]


def test_any_frame_gives_what_the_cpu_gives(open_engine, set_up, reference):
    set_up(**THOR)
    runner, _ = open_engine()
    for view, colour, _ in pictures(9, 40):
        assert_same(run(runner, [view], colour), run(reference, [view], colour))
    luma, chroma = random_planes(np.random.default_rng(0), 51, 69)
    expected = run(reference, [picture_of(luma, chroma, ("bt709", True))])
    assert_same(run(runner, [Nv12Frame(luma, chroma, "bt709", full_range=True)]), expected)


def test_a_frame_outlives_the_work_on_it(fake_native, open_engine, set_up, aligned):
    set_up(**THOR)
    runner, _ = open_engine()
    frame = aligned((50, WIDTH, 3))
    gone = weakref.ref(frame.base)
    lane = runner.make_lane().native
    let_go = fake_native.hold(lane.stream)
    lane.put(frame, "bgr")
    del frame
    gc.collect()
    assert gone() is not None
    let_go()
    lane.predictions()
    lane.wait()
    gc.collect()
    assert gone() is None


def test_a_full_lane_takes_no_frame_in(fake_native, open_engine, reference):
    """Not even into the page-locked memory from which an earlier one may be on its way."""
    runner, _ = open_engine(batch=(1, 1, 1))
    lane = runner.make_lane()
    network = lane.network(1)
    frames = [np.full((50, WIDTH, 3), level, np.uint8) for level in (60, 190)]
    lane.native.put(frames[0], "bgr")
    copies = fake_native.calls()["copies in"]
    with pytest.raises(IndexError, match="the lane is full"):
        lane.native.put(frames[1], "bgr")
    assert fake_native.calls()["copies in"] == copies
    lane.native.run(network)
    assert_same(read(lane.native.predictions()), run(reference, frames[:1]))
