"""Damaged films are told, and their whole frames are those of the film without damage."""

from __future__ import annotations

from itertools import pairwise

import av
import numpy as np
import pytest

from aernet import SourceError
from aernet.video import open_source
from aernet.video.sources.videofile import DamagedVideoError

GOP = {"g": "12", "bf": "2"}
FAST = {"movflags": "faststart"}
OPEN_GOP = {"g": "12", "x264-params": "open-gop=1:bframes=3"}


def read(path):
    """Return the planes of each frame, None for those that are left out, and the error in the end."""
    frames = []
    try:
        frames.extend(
            None if frame is None else np.asarray(getattr(frame, "luma", frame))
            for frame, _ in open_source(path).frames()
        )
    except DamagedVideoError as error:
        return frames, error
    return frames, None


def overwritten(path, start, count=300):
    data = bytearray(path.read_bytes())
    data[start : start + count] = np.random.default_rng(1).bytes(count)
    path.write_bytes(data)
    return path


def packets(path):
    """Return where each packet lies in the file, in the order of decoding, and its time in frames."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [
            (packet.pos, packet.size, round(packet.pts * stream.time_base * 25))
            for packet in container.demux(stream)
            if packet.size
        ]


def assert_whole_frames_are_those_of(whole, frames):
    for index, frame in enumerate(frames):
        if frame is not None:
            np.testing.assert_array_equal(frame, whole[index])


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.mp4", {"options": GOP, **FAST}),
        ("a.mov", {"codec": "mpeg4", "options": {**GOP, "b": "2M"}, **FAST}),
        ("a.avi", {"codec": "mpeg4", "options": {"g": "12", "b": "2M"}}),
        ("a.mkv", {"options": GOP}),
        ("a.webm", {"codec": "libvpx-vp9", "options": {"g": "12", "cpu-used": "8"}}),
    ],
)
@pytest.mark.parametrize("part", [0.6, 0.83])
def test_a_film_that_is_cut_short(film, tmp_path, name, how, part):
    path = film(tmp_path / name, **how)
    whole, error = read(path)
    assert error is None
    assert len(whole) == 60
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: int(size * part)])
    frames, error = read(path)
    good = [index for index, frame in enumerate(frames) if frame is not None]
    assert_whole_frames_are_those_of(whole, frames)
    assert 10 < len(good) < 60
    assert error.frames == sorted(set(range(60)) - set(good))
    assert f"{path}: is damaged: the file is cut short by {size - int(size * part)} bytes" in str(error)
    assert "to 59 of 60 are missing" in str(error)
    assert f"the other {len(good)} frames are whole" in str(error)
    assert "\n" not in str(error)


def test_a_transport_stream_that_is_cut_within_a_packet(film, tmp_path):
    path = film(tmp_path / "a.ts", options=GOP)
    whole, _ = read(path)
    path.write_bytes(path.read_bytes()[: 188 * (path.stat().st_size * 3 // 5 // 188) + 40])
    frames, error = read(path)
    assert_whole_frames_are_those_of(whole, frames)
    assert "is damaged: the file is cut short by 148 bytes" in str(error)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.mp4", {"options": GOP}),
        ("a.mkv", {"codec": "ffv1", "options": {"level": "3", "slicecrc": "1", "g": "12"}}),
        ("a.avi", {"codec": "mpeg4", "options": {"g": "12"}}),
        ("a.mov", {"codec": "mjpeg", "layout": "yuvj420p"}),
        ("b.mp4", {"codec": "libsvtav1", "options": {"g": "12", "preset": "10"}}),
    ],
)
def test_overwritten_bytes_cost_the_frames_up_to_the_next_key_frame(film, tmp_path, name, how):
    path = film(tmp_path / name, **how)
    whole, error = read(path)
    assert error is None
    start, size, _ = packets(path)[24]  # a key frame
    frames, error = read(overwritten(path, start + size // 4, size // 2))
    assert len(frames) == 60
    assert_whole_frames_are_those_of(whole, frames)
    lost = [index for index, frame in enumerate(frames) if frame is None]
    assert error.frames == lost
    assert 24 in lost
    assert set(lost) <= set(range(22, 36))
    assert f"{path}: is damaged: frame" in str(error)
    assert "cannot be decoded rightly" in str(error)


def test_frames_that_are_drawn_upon_a_damaged_one_are_left_out(film, tmp_path):
    path = film(tmp_path / "a.mp4", options={"g": "20", "bf": "0"})
    whole, _ = read(path)
    start, size, _ = packets(path)[25]
    frames, error = read(overwritten(path, start + 10, size - 10))
    assert error.frames == list(range(25, 40))
    assert_whole_frames_are_those_of(whole, frames)


def test_lost_packets_of_a_transport_stream(film, tmp_path):
    path = film(tmp_path / "a.ts", options={"g": "12", "bf": "2", "crf": "10"})
    whole, _ = read(path)
    data = path.read_bytes()
    middle = len(data) // 188 // 2 * 188
    path.write_bytes(data[:middle] + data[middle + 10 * 188 :])
    frames, error = read(path)
    assert len(frames) == 60
    assert_whole_frames_are_those_of(whole, frames)
    assert error.frames == [index for index, frame in enumerate(frames) if frame is None]
    assert sum(frame is not None for frame in frames) > 30


def test_packets_that_were_left_out_keep_their_numbers(film, tmp_path):
    path = film(tmp_path / "a.mkv", options={"g": "20", "bf": "0"})
    whole, _ = read(path)
    with av.open(str(path)) as source, av.open(str(tmp_path / "less.mkv"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        kept = [packet for packet in source.demux(video=0) if packet.size]
        for packet in kept[:25] + kept[28:]:
            packet.stream = stream
            target.mux(packet)
    frames, error = read(tmp_path / "less.mkv")
    assert len(frames) == 60
    assert_whole_frames_are_those_of(whole, frames)
    assert error.frames == list(range(25, 40))


def test_without_a_whole_frame_a_film_is_refused(film, tmp_path):
    path = film(tmp_path / "a.mp4", options={"g": "250", "bf": "0"})
    start, size, _ = packets(path)[0]
    with pytest.raises(SourceError, match=r"a\.mp4: is damaged: frames 0 to 59 cannot be decoded") as error:
        list(open_source(overwritten(path, start + 800, size - 800)).frames())
    assert not isinstance(error.value, DamagedVideoError)


def test_a_film_without_its_index_is_refused_as_cut_short(film, tmp_path):
    path = film(tmp_path / "a.mp4", options=GOP)
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(SourceError, match=r"cannot be read as video \(the file is cut short, \d+ bytes"):
        list(open_source(path).frames())


WHOLE = {
    "closed.mp4": {"options": GOP},
    "long.mkv": {"options": {"bf": "3"}},
    "open.ts": {"options": OPEN_GOP},
    "open.mkv": {"options": OPEN_GOP},
    "refresh.ts": {"options": {"x264-params": "intra-refresh=1:keyint=15:bframes=0"}},
    "raw.h264": {"options": GOP},
    "growing.mp4": {"options": GOP, "movflags": "frag_keyframe+empty_moov"},
    "old.flv": {"options": GOP},
    "new.mp4": {"codec": "libx265", "options": {"x265-params": "log-level=none:keyint=12:bframes=3"}},
    "new.ts": {"codec": "libx265", "options": {"x265-params": "log-level=none:keyint=12:open-gop=1"}},
    "a.webm": {"codec": "libvpx-vp9", "options": {"g": "20", "lag-in-frames": "12", "cpu-used": "8"}},
    "b.webm": {"codec": "libvpx", "options": {"g": "20", "lag-in-frames": "12", "auto-alt-ref": "1"}},
    "c.mkv": {"codec": "libsvtav1", "options": {"g": "20", "preset": "10"}},
    "a.avi": {"codec": "mjpeg", "layout": "yuvj420p"},
    "b.avi": {"codec": "mpeg4", "options": GOP},
    "a.mpg": {"codec": "mpeg2video", "options": GOP},
    "b.ts": {"codec": "mpeg2video", "options": {**GOP, "flags": "+ildct+ilme"}},
    "a.wmv": {"codec": "wmv2", "options": {"g": "12"}},
    "c.avi": {"codec": "ffv1", "options": {"level": "1"}},
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_film_is_not_damaged(film, tmp_path, name):
    frames, error = read(film(tmp_path / name, **WHOLE[name]))
    assert error is None
    assert len(frames) == 60
    assert all(frame is not None for frame in frames)


@pytest.mark.parametrize("name", ["open.ts", "refresh.ts", "b.ts", "new.ts"])
@pytest.mark.parametrize("part", [0.1, 0.37, 0.52])
def test_a_recording_that_begins_in_the_middle_is_whole(film, tmp_path, name, part):
    path = film(tmp_path / name, **WHOLE[name])
    whole, _ = read(path)
    data = path.read_bytes()
    path.write_bytes(data[int(len(data) // 188 * part) * 188 :])
    frames, error = read(path)
    assert error is None
    assert 10 < len(frames) < 60
    for frame, expected in zip(frames[-10:], whole[-10:], strict=True):
        np.testing.assert_array_equal(frame, expected)


@pytest.mark.parametrize("name", ["open.ts", "b.ts", "new.ts"])
def test_two_recordings_in_one_file_are_whole(film, tmp_path, name):
    path = film(tmp_path / name, **WHOLE[name])
    path.write_bytes(2 * path.read_bytes())
    frames, error = read(path)
    assert error is None
    assert len(frames) == 120


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.webm", "libvpx-vp9")]
)
def test_a_film_whose_rate_varies_is_whole(film, tmp_path, name, codec):
    times = np.cumsum(np.random.default_rng(2).choice([1, 1, 2, 3, 9], 60)).tolist()
    path = film(tmp_path / name, codec=codec, times=times)
    assert read(path)[1] is None
    seconds = [moment for _, moment in open_source(path).frames()]
    assert [round(25 * (later - earlier)) for earlier, later in pairwise(seconds)] == np.diff(times).tolist()


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_film_that_an_edit_list_shortens_is_whole(film, tmp_path, codec):
    path = film(tmp_path / "a.mp4", codec=codec, options=GOP)
    whole, _ = read(path)
    options = {"use_editlist": "1", "avoid_negative_ts": "disabled"}
    with (
        av.open(str(path)) as source,
        av.open(str(tmp_path / "short.mp4"), "w", options=options) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                shift = round(7 / 25 / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                target.mux(packet)
    frames, error = read(tmp_path / "short.mp4")
    assert error is None
    assert len(frames) == 53
    assert_whole_frames_are_those_of(whole[7:], frames)


def test_the_log_of_ffmpeg_stays_as_the_program_has_set_it(film, tmp_path):
    path = film(tmp_path / "a.mp4", options=GOP)
    read(path)
    assert av.logging.get_level() is None
    assert av.logging.get_skip_repeated()
