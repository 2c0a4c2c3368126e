from __future__ import annotations

import sys
import time

import cv2
import numpy as np
import pytest

from aernet import SourceError
from aernet.video import open_source

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="device files as Linux has them")


class FakeCapture:
    """Stands in for OpenCV's: three frames, and then it is unplugged."""

    def __init__(self, device, interface):
        self.device = device
        self.interface = interface
        self.settings = {}
        self.left = 3
        self.released = 0
        FakeCapture.last = self

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return True

    def set(self, setting, value):
        self.settings[setting] = value
        return True

    def get(self, setting):
        return 0 if setting == cv2.CAP_PROP_FOURCC else self.settings[setting]

    def read(self):
        self.left -= 1
        return (True, np.full((4, 6, 3), self.left, np.uint8)) if self.left >= 0 else (False, None)

    def release(self):
        self.released += 1


@on_linux
def test_a_mode_is_asked_for_and_frames_come_until_it_is_unplugged(monkeypatch, tmp_path):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    (tmp_path / "video0").touch()
    source = open_source(f"v4l2://{tmp_path}/video0?width=640&height=360&fps=25")
    assert source.live
    begin, found = time.perf_counter(), []
    with pytest.raises(SourceError, match=r"^camera .*/video0: gives no frame$"):
        found.extend(source.frames())
    assert [picture[0, 0, 0] for picture, _ in found] == [2, 1, 0]
    times = [moment for _, moment in found]
    assert begin <= times[0] <= times[-1] <= time.perf_counter()
    capture = FakeCapture.last
    assert capture.settings[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
    assert (capture.device, capture.interface) == (f"{tmp_path}/video0", cv2.CAP_V4L2)
    wanted = {cv2.CAP_PROP_FRAME_WIDTH: 640, cv2.CAP_PROP_FRAME_HEIGHT: 360, cv2.CAP_PROP_FPS: 25}
    assert capture.settings.items() >= wanted.items()
    assert capture.released == 1


class PlanarCapture(FakeCapture):
    """Offers NV12: 6 x 4 pixels, with a luma of 90 and chroma of 100 and 150 in turns."""

    rows = np.vstack([np.full((4, 6), 90), np.tile((100, 150), (2, 3))]).astype(np.uint8)

    def get(self, setting):
        return self.settings[setting]

    def read(self):
        assert self.settings[cv2.CAP_PROP_CONVERT_RGB] == 0
        return True, self.rows


@on_linux
def test_a_camera_that_has_the_whole_mode_in_nv12_gives_planes(monkeypatch, tmp_path):
    monkeypatch.setattr(cv2, "VideoCapture", PlanarCapture)
    (tmp_path / "video0").touch()
    frame, _ = next(open_source(f"v4l2://{tmp_path}/video0?width=6&height=4&fps=25").frames())
    assert PlanarCapture.last.settings[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"NV12")
    expected = cv2.cvtColor(PlanarCapture.rows, cv2.COLOR_YUV2BGR_NV12)
    np.testing.assert_allclose(frame.to_bgr().astype(int), expected, atol=1)


@on_linux
def test_planes_of_another_size_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(cv2, "VideoCapture", PlanarCapture)
    (tmp_path / "video0").touch()
    with pytest.raises(SourceError, match=r"expected 8 x 4 in NV12, found an array of \(6, 6\)"):
        next(open_source(f"v4l2://{tmp_path}/video0?width=8&height=4&fps=25").frames())


@on_linux
def test_a_number_is_a_device_file_and_leaving_lets_go_of_it(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    source = open_source("0")
    monkeypatch.setattr(source, "_check", lambda: None)
    frames = source.frames()
    next(frames)
    frames.close()
    assert FakeCapture.last.device == "/dev/video0"
    assert FakeCapture.last.released == 1


def test_a_camera_that_is_not_there():
    with pytest.raises(SourceError, match=r"^camera .*63") as error:
        next(open_source("63").frames())
    assert "\n" not in str(error.value)


def test_what_is_no_camera_or_is_held(tmp_path):
    (tmp_path / "video0").touch()
    with pytest.raises(SourceError, match="cannot be opened as a camera; close any program that holds it"):
        next(open_source(f"v4l2://{tmp_path}/video0").frames())
