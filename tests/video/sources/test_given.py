"""Captures of OpenCV and frames of the caller's own, given to a stream."""

from __future__ import annotations

import time
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from aernet import FrameError, Nv12Frame, SourceError
from aernet.video import Pipeline
from aernet.video.sources import as_source
from aernet.video.sources.capture import Capture

TIMES = [0.0, 0.04, 0.1, 0.2, 0.24, 0.5, 0.54, 0.6]


@pytest.fixture
def pictures(disc):
    return [disc(x=100 + 10 * index) for index in range(len(TIMES))]


class FakeCapture:
    """What OpenCV gives for a camera: it knows no number of frames, and ends when it is unplugged."""

    def __init__(self, pictures, properties=()):
        self.left, self.properties, self.reads = list(pictures), dict(properties), 0

    def isOpened(self):  # noqa: N802
        return True

    def getBackendName(self):  # noqa: N802
        return "FAKE"

    def get(self, name):
        return self.properties.get(name, 0.0)

    def read(self):
        self.reads += 1
        time.sleep(0.01)
        return (True, self.left.pop(0)) if self.left else (False, None)


def test_a_capture_of_a_file_gives_its_frames_and_times(segmenter, write_video, tmp_path, pictures):
    path = write_video(tmp_path / "film.mkv", pictures, times=TIMES)
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    capture = cv2.VideoCapture(str(path))
    results = list(segmenter.stream(capture))
    assert [result.timestamp for result in results] == pytest.approx(times, abs=1e-3)
    assert times == pytest.approx(TIMES)
    for result, picture in zip(results, pictures, strict=True):
        np.testing.assert_array_equal(result.segmentation.frame, picture)
    assert capture.isOpened()  # it stays the caller's


def test_a_capture_is_read_from_where_it_stands(segmenter, write_video, tmp_path, pictures):
    capture = cv2.VideoCapture(str(write_video(tmp_path / "film.mkv", pictures)))
    capture.read()
    for result in segmenter.stream(capture):
        np.testing.assert_array_equal(result.segmentation.frame, pictures[1])
        assert result.timestamp == 0
        break
    assert capture.isOpened()


def test_where_a_capture_tells_no_time_its_rate_does(segmenter, pictures):
    known = {cv2.CAP_PROP_FRAME_COUNT: 3.0, cv2.CAP_PROP_FPS: 50.0}
    for properties, step in ((known, 0.02), (known | {cv2.CAP_PROP_FPS: 0.0}, 0.04)):
        results = list(segmenter.stream(Capture(FakeCapture(pictures[:3], properties))))
        assert [result.timestamp for result in results] == pytest.approx([0, step, 2 * step])


def test_a_capture_without_a_number_of_frames_is_a_camera(segmenter, pictures):
    capture = FakeCapture(pictures[:4] * 5)
    pipeline = segmenter.stream(Capture(capture))
    assert pipeline.source.live
    results = []
    with pytest.raises(SourceError, match=r"^cv2\.VideoCapture \(FAKE\): gives no frame$"):
        results.extend(pipeline)
    assert capture.reads == 21  # it is not asked again
    shown = []
    pipeline = segmenter.stream(Capture(FakeCapture(pictures)), on_result=shown.append)
    with pytest.raises(SourceError, match="gives no frame"):
        pipeline.wait()
    assert all(later.timestamp > earlier.timestamp for earlier, later in pairwise(shown))


def test_a_capture_that_is_not_open_is_refused_at_once(segmenter, tmp_path):
    for capture in (cv2.VideoCapture(), cv2.VideoCapture(str(tmp_path / "absent.mp4"))):
        with pytest.raises(SourceError, match=r"^cv2\.VideoCapture: expected one that is open; check the pa"):
            segmenter.stream(capture)


@pytest.mark.parametrize("raw", [np.zeros((60, 80), np.uint8), np.zeros((60, 80, 3), np.uint16)])
def test_a_capture_that_gives_no_bgr_is_refused(segmenter, raw):
    properties = {cv2.CAP_PROP_FRAME_COUNT: 1.0}
    with pytest.raises(
        SourceError, match=r"expected uint8 BGR, .* 60 x 80.*; set CAP_PROP_CONVERT_RGB to 1$"
    ):
        list(segmenter.stream(Capture(FakeCapture([raw], properties))))


@pytest.mark.parametrize("kind", ["list", "generator", "stack", "images", "paths", "gray", "alpha"])
def test_all_frames_of_an_iterable_are_taken_in_order(segmenter, pictures, tmp_path, kind):
    def path_of(index):
        path = tmp_path / f"{index}.png"
        cv2.imwrite(str(path), pictures[index])
        return path

    expected = pictures
    if kind == "gray":
        grays = [cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for picture in pictures]
        expected = [cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR) for gray in grays]
        given = grays[:4] + [gray[..., None] for gray in grays[4:]]
    else:
        given = {
            "list": pictures,
            "generator": (picture for picture in pictures),
            "stack": np.stack(pictures),
            "images": [Image.fromarray(picture[:, :, ::-1]) for picture in pictures],
            "paths": [path_of(index) for index in range(len(pictures))],
            "alpha": [cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA) for picture in pictures],
        }[kind]
    results = list(segmenter.stream(given))
    assert [result.dropped for result in results] == [0] * len(pictures)
    for result, picture in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result.segmentation.frame, picture)


def test_a_frame_may_bring_its_time(segmenter, pictures):
    pairs = [(picture, 7 + moment) for picture, moment in zip(pictures, TIMES, strict=True)]
    assert [result.timestamp for result in segmenter.stream(pairs)] == pytest.approx(TIMES)


@pytest.mark.parametrize("kind", [list, np.stack])
def test_frames_that_are_all_there_come_25_a_second(segmenter, pictures, kind):
    results = list(segmenter.stream(kind(pictures)))
    assert [result.timestamp for result in results] == pytest.approx(np.arange(len(pictures)) / 25)


def test_else_its_time_is_that_of_its_arrival(segmenter, pictures):
    arrivals = []

    def frames():
        for picture in pictures[:4]:
            time.sleep(0.05)
            arrivals.append(time.perf_counter())
            yield picture

    found = np.array([result.timestamp for result in segmenter.stream(frames())])
    assert (np.diff(found) > 0.04).all()
    assert found[-1] >= arrivals[-1] - arrivals[0] - 0.01


def test_one_buffer_for_all_frames(segmenter, pictures):
    """As the libraries of industrial cameras have it."""
    buffer = np.empty_like(pictures[0])

    def frames():
        for picture in pictures:
            buffer[...] = picture
            yield buffer
        buffer[...] = 0

    for result, picture in zip(segmenter.stream(frames()), pictures, strict=True):
        np.testing.assert_array_equal(result.segmentation.frame, picture)


def test_planes_stay_planes(segmenter):
    luma, chroma = np.full((180, 320), 90, np.uint8), np.full((90, 320), 128, np.uint8)
    planes = Nv12Frame(luma, chroma, "bt709", full_range=True)
    (result,) = segmenter.stream([planes])
    frame = result.segmentation.frame
    assert (frame.matrix, frame.full_range) == ("bt709", True)
    assert not np.shares_memory(frame.luma, luma)
    np.testing.assert_array_equal(frame.to_bgr(), planes.to_bgr())


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "found None, as cv2"),
        (np.zeros((20, 30, 3)), "found float64"),
        (np.zeros((0, 30, 3), np.uint8), "expected H x W x 3, found 0 x 30 x 3"),
        (np.zeros(30, np.uint8), "expected H x W x 3, found 30"),
        ((True, np.zeros((20, 30, 3), np.uint8)), "expected a pair of a picture and its time"),
        ((np.zeros((20, 30, 3), np.uint8), float("nan")), "expected a pair of a picture and its time"),
        ((np.zeros((20, 30, 3), np.uint8), 0.0, 1), "expected a pair of a picture and its time"),
    ],
)
def test_what_is_no_frame_is_numbered(segmenter, pictures, given, reason):
    with pytest.raises(FrameError, match=rf"^list\[2\]: frame: .*{reason}"):
        list(segmenter.stream([*pictures[:2], given]))


def test_what_a_generator_raises_comes_out(segmenter, pictures):
    def frames():
        yield pictures[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(segmenter.stream(frames()))


def test_an_iterable_without_a_frame_is_named(segmenter):
    with pytest.raises(SourceError, match=r"^list: gave no frame$"):
        list(segmenter.stream([]))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            None,
            "expected an address, an open cv2.VideoCapture, an iterable of frames or a Source, found NoneT",
        ),
        (Image.new("RGB", (9, 9)), "expected an address, .*, found Image"),
        (np.zeros((20, 30, 3), np.uint8), "expected a source of frames, found one; for one frame call the"),
    ],
)
def test_what_is_no_source_is_refused_at_once(segmenter, given, reason):
    with pytest.raises(SourceError, match=f"^stream: {reason}"):
        segmenter.stream(given)


def test_a_source_stays_what_it_is(segmenter, camera):
    source = camera()
    assert as_source(source) is source
    assert Pipeline(segmenter, source).source is source


def test_leaving_the_loop_leaves_the_generator_where_it_is(segmenter, pictures):
    frames = (picture for picture in pictures * 20)
    for _ in segmenter.stream(frames):
        break
    assert next(frames).shape == pictures[0].shape
