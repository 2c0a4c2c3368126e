"""A Jetson's camera from its memory to the mask, over fakes of GPU, TensorRT and NvBufSurface."""

from __future__ import annotations

import gc
import sys

import numpy as np
import pytest
from runners.answers import THRESHOLD, assert_same, read

import aernet.segmenter
import aernet.video.sources.nvmm
from aernet import Nv12Frame, Segmenter
from aernet.video import Pipeline

CAMERA = (
    "videotestsrc num-buffers=30 pattern=smpte75 horizontal-speed=7"
    " ! video/x-raw,format=NV12,width=200,height=92 ! nvvidconv {} ! video/x-raw(memory:NVMM),format=NV12"
)


@pytest.mark.parametrize("layout", ["bl-output=false", ""])
def test_live_video_reads_the_cameras_memory(fake_jetson, runner, reference, set_up, monkeypatch, layout):
    monkeypatch.setitem(sys.modules, "aernet._nvmm", fake_jetson.nvmm)
    monkeypatch.setattr(aernet.video.sources.nvmm, "_native", fake_jetson.native)
    monkeypatch.setattr(aernet.segmenter, "open_runner", lambda *_: runner)
    set_up(delay_us=300)
    segmenter = Segmenter(threshold=THRESHOLD)
    pipeline = Pipeline(segmenter, CAMERA.format(layout), smooth=False, retry=False)
    copies = fake_jetson.native.calls()["copies in"]
    results = list(pipeline)
    assert results
    assert fake_jetson.native.calls()["copies in"] == copies
    for result in results:
        frame = result.segmentation.frame
        assert isinstance(frame, Nv12Frame)
        assert not frame.is_on_host
        planes = np.asarray(frame.luma), np.asarray(frame.chroma)
        on_host = Nv12Frame(*planes, frame.matrix, frame.full_range)
        expected = read(reference.predict([on_host], "bgr"))
        assert_same([(result.segmentation.mask, result.segmentation.probability)], expected)
        assert result.picture.shape == (92, 200, 3)
    del results, result, frame, pipeline
    for lane in runner._lanes:
        lane.native.wait()
    gc.collect()
    assert fake_jetson.alive() == 0


def test_a_segmenter_on_the_cpu_reads_the_hosts(fake_jetson, model, monkeypatch):
    monkeypatch.setitem(sys.modules, "aernet._nvmm", fake_jetson.nvmm)
    with Segmenter(model, device="cpu") as segmenter:
        assert segmenter.frames_on is None
        pipeline = Pipeline(segmenter, "csi://0")
    assert not isinstance(pipeline.source, aernet.video.sources.nvmm.NvmmStream)
