"""Sources that do as they are told, and videos made by PyAV alone."""

from __future__ import annotations

import itertools
import time
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from aernet import Segmenter
from aernet.errors import SourceError


@pytest.fixture
def segmenter(model):
    with Segmenter(model) as segmenter:
        yield segmenter


@pytest.fixture(scope="session")
def disc():
    """Draw a dark disc on light skin: what the model of the tests takes for a lesion."""

    def draw(x=160, y=90, radius=40, size=(320, 180)):
        picture = np.full((size[1], size[0], 3), (150, 180, 230), np.uint8)
        return cv2.circle(picture, (x, y), radius, (20, 30, 60), cv2.FILLED)

    return draw


@pytest.fixture(scope="session")
def write_video():
    """Write pictures as a video: FFV1 if it ends in .mkv, else H.264."""

    def write(path, pictures, *, rate=25, layout=None, times=None, title=""):
        codec = "ffv1" if path.suffix == ".mkv" else "libx264"
        with av.open(str(path), "w") as container:
            container.metadata["title"] = title
            stream = container.add_stream(codec, rate=rate)
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = layout or ("bgr0" if codec == "ffv1" else "yuv420p")
            stream.codec_context.time_base = Fraction(1, 1000)
            for index, picture in enumerate(pictures):
                kind = "gray16le" if picture.dtype == np.uint16 else "bgr24"
                frame = av.VideoFrame.from_ndarray(picture, format=kind)
                seconds = index / rate if times is None else times[index]
                frame.pts, frame.time_base = round(seconds * 1000), Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture(scope="session")
def film():
    """Write a moving picture with any of FFmpeg's codecs, and return its path."""

    def write(path, count=60, *, codec="libx264", layout="yuv420p", times=None, options=None, **container):
        rng = np.random.default_rng(5)
        with av.open(str(path), "w", options=container) as file:
            stream = file.add_stream(codec, rate=25, options=options or {})
            stream.width, stream.height, stream.pix_fmt = 128, 96, layout
            stream.codec_context.time_base = Fraction(1, 25)
            for index in range(count):
                picture = np.full((96, 128, 3), (150, 180, 230), np.uint8)
                cv2.circle(picture, (20 + index, 40), 25, (20, 30, 60), cv2.FILLED)
                picture = cv2.add(picture, rng.integers(0, 12, picture.shape, np.uint8))
                frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=layout)
                frame.pts, frame.time_base = index if times is None else times[index], Fraction(1, 25)
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        return path

    return write


class FakeCamera:
    """Gives one picture so many times a second; fails after so many, as often as it is told."""

    clock = staticmethod(time.perf_counter)

    def __init__(self, picture, *, fps=100.0, lives=(None,), live=True, away=0.0):
        self.name = "fake"
        self.live = live
        self.picture = picture
        self.fps = fps
        self.lives = list(lives)
        self.away = away
        self.opened = []
        self.closed = 0
        self.back = None

    def frames(self):
        self.opened.append(self.clock())
        if self.back is not None and self.clock() < self.back:
            raise SourceError("fake: not there")
        life = self.lives.pop(0) if self.lives else 0
        due = time.perf_counter()
        try:
            for count in itertools.count():
                if count == life:
                    self.back = self.clock() + self.away
                    raise SourceError("fake: unplugged")
                time.sleep(max(0, due - time.perf_counter()))
                yield self.picture.copy(), self.clock()
                due += 1 / self.fps
        finally:
            self.closed += 1


@pytest.fixture
def camera(disc):
    def make(**how):
        return FakeCamera(disc(), **how)

    return make
