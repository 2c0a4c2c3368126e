from __future__ import annotations

import struct
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from aernet import Nv12Frame, SourceError
from aernet.video import open_source


def noise(count, size=(64, 48), kind=np.uint8):
    rng = np.random.default_rng(3)
    return [rng.integers(0, np.iinfo(kind).max, (size[1], size[0], 3), kind) for _ in range(count)]


def refused(path, message):
    with pytest.raises(SourceError, match=message) as error:
        list(open_source(path).frames())
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_frames_and_times_are_those_that_were_written(write_video, tmp_path):
    pictures, times = noise(5), [0, 0.04, 0.2, 0.21, 1.5]
    path = write_video(tmp_path / "noise.mkv", pictures, times=times)
    found = list(open_source(path).frames())
    for (picture, seconds), expected, moment in zip(found, pictures, times, strict=True):
        np.testing.assert_array_equal(picture, expected)
        assert seconds == pytest.approx(moment, abs=1e-3)


def test_colours_are_those_of_opencv(write_video, disc, tmp_path):
    path = write_video(tmp_path / "disc.mp4", [disc()] * 3)
    picture = next(open_source(path).frames())[0].to_bgr()
    np.testing.assert_allclose(picture.astype(int), cv2.VideoCapture(str(path)).read()[1], atol=3)
    assert np.abs(picture.astype(int) - disc()).mean() < 4


@pytest.mark.parametrize("size", [(64, 48), (63, 47), (64, 720)])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", ["ITU601", "ITU709", None])
def test_planes_are_handed_on_with_their_colours(tmp_path, matrix, full_range, size):
    picture = cv2.GaussianBlur(noise(1, size)[0], (0, 0), 6)
    picture = cv2.normalize(picture, None, 20, 235, cv2.NORM_MINMAX)
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        context = stream.codec_context
        context.colorspace = {"ITU601": 6, "ITU709": 1, None: 2}[matrix]  # ITU-T H.273
        context.color_range = 2 if full_range else 1
        used = matrix or ("ITU709" if size[1] > 576 else "ITU601")
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(
            format="yuv420p", dst_colorspace=used, dst_color_range="JPEG" if full_range else "MPEG"
        )
        frame.pts, frame.colorspace = 0, context.colorspace
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    frame, _ = next(open_source(path).frames())
    assert isinstance(frame, Nv12Frame)
    assert frame.matrix == used.lower().replace("itu", "bt")
    assert frame.full_range == full_range
    assert np.abs(frame.to_bgr().astype(int) - picture).mean() < 3


def test_the_planes_of_a_jpeg_are_bt601_in_full_range_at_any_size(tmp_path):
    picture = cv2.GaussianBlur(noise(1, (64, 720))[0], (0, 0), 6)
    path = tmp_path / "film.mjpeg"
    path.write_bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes() * 2)
    frame, _ = next(open_source(path).frames())
    assert (frame.matrix, frame.full_range) == ("bt601", True)
    assert np.abs(frame.to_bgr().astype(int) - picture).mean() < 3


def test_planes_of_nv12_are_those_of_the_file(tmp_path):
    planes = np.random.default_rng(4).integers(0, 256, (72, 66), np.uint8)
    path = tmp_path / "film.nut"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 66, 48, "nv12"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="nv12")))
    frame, _ = next(open_source(path).frames())
    np.testing.assert_array_equal(frame.luma, planes[:48])
    np.testing.assert_array_equal(frame.chroma.reshape(24, 66), planes[48:])


def test_other_layouts_come_as_pictures(write_video, tmp_path):
    frame, _ = next(open_source(write_video(tmp_path / "a.mkv", noise(1), layout="yuv444p")).frames())
    assert frame.shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("matrix", "turns"), [((0, 1, -1, 0), -1), ((0, -1, 1, 0), 1), ((-1, 0, 0, -1), 2), ((1, 0, 0, 1), 0)]
)
def test_a_turned_video_is_turned_back(write_video, disc, tmp_path, matrix, turns):
    path = write_video(tmp_path / "disc.mp4", [disc(x=60, y=50)] * 3)
    upright = next(open_source(path).frames())[0].to_bgr()
    data = bytearray(path.read_bytes())
    # The matrix of ISO/IEC 14496-12, 8.3.2: 40 bytes into the version 0 track header's content.
    start = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    data[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    picture = next(open_source(path).frames())[0].to_bgr()
    np.testing.assert_array_equal(picture, np.rot90(upright, turns))
    by_opencv = cv2.VideoCapture(str(path)).read()[1]
    assert picture.shape == by_opencv.shape
    assert np.abs(picture.astype(int) - by_opencv).mean() < 2


def test_the_count_is_known_where_the_file_says(write_video, tmp_path):
    assert open_source(write_video(tmp_path / "a.mp4", noise(7))).count() == 7
    assert open_source(write_video(tmp_path / "a.mkv", noise(50))).count() in range(49, 52)


def test_sixteen_bits_are_refused(write_video, tmp_path):
    deep = [picture[..., 0] for picture in noise(2, kind=np.uint16)]
    refused(
        write_video(tmp_path / "deep.mkv", deep, layout="gray16le"),
        r"expected 8 bits a channel, found 16 \(gray16le\); convert it to 8$",
    )


def test_sound_alone_is_refused(tmp_path):
    path = tmp_path / "sound.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 44100, 0, Fraction(1, 44100)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    refused(path, r"holds no video, only audio$")


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_no_frame_is_refused(tmp_path, suffix):
    path = tmp_path / f"none{suffix}"
    with av.open(str(path), "w", container_options={"movflags": "empty_moov"}) as container:
        stream = container.add_stream("ffv1" if suffix == ".mkv" else "libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    refused(path, r"(holds no frame|cannot be read as video \(End of file\))$")


def test_a_change_of_size_is_refused(tmp_path):
    path = tmp_path / "two.mjpeg"
    path.write_bytes(
        b"".join(
            cv2.imencode(".jpg", picture)[1].tobytes() for picture in (*noise(3), *noise(1, size=(80, 48)))
        )
    )
    refused(path, r"the frames change from 64 x 48 to 80 x 48 at frame 3; cut it there")


def test_a_title_in_another_encoding_is_no_obstacle(write_video, tmp_path):
    path = write_video(tmp_path / "title.mkv", noise(1), title="TITLE")
    path.write_bytes(path.read_bytes().replace(b"TITLE", "Läsi ".encode("latin-1")))
    ((picture, _),) = open_source(path).frames()
    np.testing.assert_array_equal(picture, noise(1)[0])


@pytest.mark.parametrize("content", [b"", b"this is no video", b"\0" * 5000])
def test_what_is_no_video_is_refused(tmp_path, content):
    path = tmp_path / "text.mp4"
    path.write_bytes(content)
    refused(path, r"cannot be read as video \(")


def test_a_video_cut_short(write_video, tmp_path):
    path = write_video(tmp_path / "cut.mp4", noise(20))
    path.write_bytes(path.read_bytes()[:2000])
    refused(path, r"cannot be read as video \(")
