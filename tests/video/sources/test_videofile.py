from __future__ import annotations

import struct
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from aernet import Nv12Frame, SourceError
from aernet.video import open_source
from aernet.video.sources.videofile import is_video


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


def with_matrix(path, matrix):
    """Write the matrix of ISO/IEC 14496-12, 8.3.2: 40 bytes into the version 0 track header's content."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    data[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("matrix", "turns"), [((0, 1, -1, 0), -1), ((0, -1, 1, 0), 1), ((-1, 0, 0, -1), 2), ((1, 0, 0, 1), 0)]
)
def test_a_turned_video_is_turned_back(write_video, disc, tmp_path, matrix, turns):
    path = write_video(tmp_path / "disc.mp4", [disc(x=60, y=50)] * 3)
    upright = next(open_source(path).frames())[0].to_bgr()
    with_matrix(path, matrix)
    picture = next(open_source(path).frames())[0].to_bgr()
    np.testing.assert_array_equal(picture, np.rot90(upright, turns))
    by_opencv = cv2.VideoCapture(str(path)).read()[1]
    assert picture.shape == by_opencv.shape
    assert np.abs(picture.astype(int) - by_opencv).mean() < 2


@pytest.mark.parametrize("matrix", [(-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0), (0, -1, -1, 0)])
@pytest.mark.parametrize("size", [(320, 180), (319, 181)])
def test_a_mirrored_video_is_as_its_matrix_says(write_video, disc, tmp_path, matrix, size):
    path = write_video(tmp_path / "disc.mkv", [disc(x=60, y=50, size=size)], layout="yuv420p")
    mirrored = tmp_path / "mirrored.mp4"
    with av.open(str(path)) as source, av.open(str(mirrored), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    upright = next(open_source(path).frames())[0].to_bgr()
    with_matrix(mirrored, matrix)
    frame = next(open_source(mirrored).frames())[0]
    picture = frame.to_bgr() if isinstance(frame, Nv12Frame) else frame
    a, b, c, d = matrix  # the column x of a stored pixel goes to a x + c y, its row y to b x + d y
    height, width = upright.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    x, y = a * columns + c * rows, b * columns + d * rows
    expected = np.zeros((*np.array([np.ptp(y), np.ptp(x)]) + 1, 3), np.uint8)
    expected[y - y.min(), x - x.min()] = upright
    assert picture.shape == expected.shape
    assert np.abs(picture.astype(int) - expected).mean() < (0.01 if size == (320, 180) else 2)


def test_interlaced_frames_are_of_one_moment(tmp_path):
    path = tmp_path / "film.mp4"
    columns = np.arange(128)

    def moment(time):
        bar = np.where(abs(columns - 10 - 6 * time) < 6, np.uint8(30), np.uint8(200))
        return np.tile(bar, (96, 1))

    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"flags": "+ildct+ilme", "x264-params": "tff=1", "crf": "5"}
        )
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for index in range(8):
            combed = moment(2 * index)
            combed[1::2] = moment(2 * index + 1)[1::2]
            planes = np.vstack([combed, np.full((48, 128), 128, np.uint8)])
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    found = list(open_source(path).frames())
    assert [seconds for _, seconds in found] == pytest.approx([index / 25 for index in range(8)])
    for index, (frame, _) in enumerate(found):
        assert isinstance(frame, Nv12Frame)
        offsets = [np.abs(frame.luma.astype(int) - moment(2 * index + field)).mean() for field in (0, 1)]
        assert min(offsets) < 2
        assert max(offsets) > 10
        assert np.abs(np.diff(frame.luma.astype(int), axis=0)).mean() < 4  # combed rows differ by 16


def test_frames_that_are_not_interlaced_are_handed_on_as_they_are(film, tmp_path):
    path = film(tmp_path / "film.mp4", 5)
    with av.open(str(path)) as container:
        decoded = [frame.to_ndarray()[:96] for frame in container.decode(video=0)]
    for (frame, _), luma in zip(open_source(path).frames(), decoded, strict=True):
        np.testing.assert_array_equal(frame.luma, luma)


@pytest.mark.parametrize("layout", ["yuv422p", "yuv444p"])
@pytest.mark.parametrize("height", [96, 720])
def test_a_matrix_that_is_not_stated_is_the_same_in_every_layout(tmp_path, layout, height):
    picture = cv2.normalize(
        cv2.GaussianBlur(noise(1, (64, height))[0], (0, 0), 6), None, 20, 235, cv2.NORM_MINMAX
    )
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, height, layout
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(
            format=layout, dst_colorspace="ITU709" if height > 576 else "ITU601"
        )
        frame.pts, frame.colorspace = 0, 2
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    frame, _ = next(open_source(path).frames())
    assert np.abs(frame.astype(int) - picture).mean() < 2


def test_the_stream_that_players_show_is_taken(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams = []
        for size in ((160, 120), (64, 48), (96, 64)):
            stream = container.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = *size, "bgr0"
            streams.append(stream)
        streams[0].disposition = 0
        streams[1].disposition = streams[2].disposition = av.stream.Disposition.default
        for stream in streams:
            picture = np.full((stream.height, stream.width, 3), 90, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    frame, _ = next(open_source(path).frames())
    assert frame.shape[:2] == (64, 96)


@pytest.mark.parametrize(
    ("codec", "layout", "suffix"),
    [("qtrle", "argb", ".mov"), ("png", "rgba", ".mov"), ("ffv1", "bgra", ".mkv")],
)
def test_what_is_transparent_is_white(tmp_path, codec, layout, suffix):
    pixels = np.full((48, 64, 4), (90, 60, 30, 255), np.uint8)
    pixels[:, :20, 3] = 0
    pixels[:, 20:40, 3] = 128
    path = tmp_path / f"film{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, layout
        frame = av.VideoFrame.from_ndarray(pixels, format="rgba").reformat(format=layout)
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    frame, _ = next(open_source(path).frames())
    np.testing.assert_array_equal(frame[:, :20], 255)
    np.testing.assert_allclose(frame[:, 20:40], np.full((48, 20, 3), (142, 157, 172)), atol=1)
    np.testing.assert_array_equal(frame[:, 40:], np.full((48, 24, 3), (30, 60, 90)))


@pytest.mark.parametrize("unused", [0, 255])
def test_the_unused_byte_of_an_uncompressed_avi_is_no_transparency(tmp_path, unused):
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    path = tmp_path / "film.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgra"
        pixels = np.dstack([picture, np.full((48, 64), unused, np.uint8)])
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgra")))
        container.mux(stream.encode(None))
    frame, _ = next(open_source(path).frames())
    np.testing.assert_array_equal(frame, picture)
    _, independent = cv2.VideoCapture(str(path)).read()
    np.testing.assert_array_equal(independent, picture)


def test_transparency_that_the_decoder_leaves_out_is_refused(tmp_path):
    path = tmp_path / "film.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuva420p"
        stream.metadata["alpha_mode"] = "1"
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 4), 90, np.uint8), format="rgba")
        frame = frame.reformat(format="yuva420p")
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    refused(path, r"has transparency beside its vp9 frames, which the decoder leaves out; put it on a backgr")


@pytest.mark.parametrize(("code", "name"), [(16, "PQ"), (18, "HLG")])
def test_a_high_dynamic_range_is_refused(tmp_path, code, name):
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        # Not libx265: now and then its headers for these curves are refused by the MP4 muxer.
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        stream.codec_context.color_trc = code
        frame = av.VideoFrame.from_ndarray(noise(1)[0], format="bgr24").reformat(format="yuv420p10le")
        frame.pts, frame.color_trc = 0, code
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    refused(path, rf"expected a standard dynamic range, found HDR \({name}, 10 bits a channel\); convert it")


def test_which_files_are_videos(film, tmp_path):
    moving = film(tmp_path / "a.gif", 3, codec="gif", layout="rgb8")
    still = film(tmp_path / "b.gif", 1, codec="gif", layout="rgb8")
    stream = film(tmp_path / "a.ts")
    program = tmp_path / "b.ts"
    program.write_text("export const answer: number = 42;\n" * 40)
    assert is_video(moving)
    assert not is_video(still)
    assert is_video(stream)
    assert not is_video(program)
    blu_ray = tmp_path / "c.ts"
    data = stream.read_bytes()
    packets = (data[start : start + 188] for start in range(0, len(data), 188))
    blu_ray.write_bytes(b"".join(b"\0\0\0\0" + packet for packet in packets))
    assert is_video(blu_ray)
    assert len(list(open_source(blu_ray).frames())) == 60
    assert all(is_video(tmp_path / f"a.{suffix}") for suffix in ("MTS", "m2ts", "webm", "3gp", "h264"))
    assert not any(is_video(tmp_path / name) for name in ("a.png", "a", "a.txt"))


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


def test_sound_with_a_cover_is_refused(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=44100, layout="mono")
        cover = container.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 44100, 0, Fraction(1, 44100)
        picture = av.VideoFrame.from_ndarray(noise(1)[0], format="bgr24")
        picture.pts = 0
        for stream, content in ((cover, picture), (cover, None), (sound, frame), (sound, None)):
            container.mux(stream.encode(content))
    refused(path, r"holds no video, only audio and a still picture$")


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
