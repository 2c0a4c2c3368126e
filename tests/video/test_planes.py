"""Frames that come as planes stay planes, and give the masks that pictures give."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from aernet import Nv12Frame, Segmenter
from aernet.video import Pipeline
from aernet.video.motion import shrink
from aernet.video.sinks import Track, open_recording
from aernet.video.states import softness

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))


@pytest.fixture(scope="module")
def film(write_video, tmp_path_factory):
    """The example pictures, each for two frames."""
    pictures = [cv2.resize(cv2.imread(str(path)), (640, 480)) for path in EXAMPLES for _ in range(2)]
    return write_video(tmp_path_factory.mktemp("film") / "film.mp4", pictures)


@pytest.fixture
def conversions(monkeypatch):
    """Heights of the BGR pictures that were made from planes."""
    made = []
    convert, to_colour = Nv12Frame.to_bgr, cv2.cvtColor

    def counted(frame):
        made.append(frame.shape[0])
        return convert(frame)

    def counted_by_opencv(picture, code, *rest):
        result = to_colour(picture, code, *rest)
        if np.ndim(picture) == 2 and np.ndim(result) == 3:
            made.append(result.shape[0])
        return result

    monkeypatch.setattr(Nv12Frame, "to_bgr", counted)
    monkeypatch.setattr(cv2, "cvtColor", counted_by_opencv)
    return made


def test_no_picture_is_made_that_nobody_sees(film, segmenter, conversions, tmp_path):
    with Pipeline(segmenter, str(film)) as pipeline:
        pipeline.add(Track(tmp_path / "track.csv"))
        pipeline.add(open_recording(tmp_path / "masks.mkv"))
        assert len(list(pipeline)) == 2 * len(EXAMPLES)
    assert pipeline.status().failures == ()
    assert conversions  # small ones, by which the motion is followed
    assert max(conversions) <= 256


def test_sinks_share_one_picture(film, segmenter, conversions):
    class Shows:
        name, every = "shows", True

        def write(self, result):
            assert result.picture.shape == (480, 640, 3)

        def close(self):
            pass

    with Pipeline(segmenter, str(film)) as pipeline:
        for _ in range(3):
            pipeline.add(Shows())
        pipeline.wait()
    assert pipeline.status().failures == ()
    assert sum(height == 480 for height in conversions) == 2 * len(EXAMPLES)


class Pictures:
    """A film whose frames OpenCV has converted to BGR."""

    name, live = "pictures", False

    def __init__(self, film):
        self.film = film

    def frames(self):
        with av.open(str(self.film)) as container:
            for frame in container.decode(video=0):
                planes = frame.to_ndarray(format="nv12")
                yield cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_NV12), frame.time


def test_masks_are_those_of_pictures(film):
    with Segmenter(device="cpu") as segmenter:
        planes = list(Pipeline(segmenter, str(film)))
        pictures = list(Pipeline(segmenter, Pictures(film)))
    assert len(planes) == len(pictures) == 2 * len(EXAMPLES)
    for one, other in zip(planes, pictures, strict=True):
        assert isinstance(one.segmentation.frame, Nv12Frame)
        masks = one.segmentation.mask > 0, other.segmentation.mask > 0
        assert masks[1].any()
        assert 2 * (masks[0] & masks[1]).sum() / (masks[0].sum() + masks[1].sum()) >= 0.999
        assert one.state == other.state


@pytest.mark.parametrize("size", [(640, 480), (1281, 721), (100, 80)])
def test_measures_are_those_of_pictures(size):
    picture = cv2.resize(cv2.imread(str(EXAMPLES[0])), size)
    decoded = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="nv12")
    height, width = size[1], size[0]
    luma, chroma = (np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size) for plane in decoded.planes)
    frame = Nv12Frame(luma[:height, :width], chroma[: (height + 1) // 2, : (width + 1) // 2 * 2])
    small, expected = shrink(frame), shrink(picture)
    assert small.shape == expected.shape
    assert np.abs(small.astype(int) - expected).mean() < 3
    assert softness(frame) == pytest.approx(softness(picture), rel=0.05)
