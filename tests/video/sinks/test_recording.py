from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from aernet import AernetError, Segmentation
from aernet.video import State, VideoResult
from aernet.video.sinks import MaskPictures, MaskVideo, Recording, open_recording

FPS = 30


@pytest.fixture
def results(disc):
    """A disc that moves, one result a frame."""

    def make(count, size=(320, 180), step=4, start=0):
        for index in range(start, start + count):
            picture = disc(x=60 + step * index % 200, size=size)
            mask = np.where(picture[..., 2] < 100, np.uint8(255), np.uint8(0))
            segmentation = Segmentation(picture, mask, np.zeros((8, 8), np.float32), 0.5, 1.0)
            yield VideoResult(segmentation, State.LESION, index, index / FPS, 0, 1.0)

    return make


def decoded(path):
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def played(path):
    """Return how many frames a player gets to show."""
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    return count


def test_the_recording_shows_the_overlay(tmp_path, results):
    from aernet.video.overlay import draw_overlay

    sink = Recording(tmp_path / "new" / "out.mp4")
    expected = []
    for result in results(45):
        sink.write(result)
        expected.append(draw_overlay(result))
    sink.close()
    frames = decoded(tmp_path / "new" / "out.mp4")
    assert len(frames) == 45
    assert [frame.time for frame in frames] == pytest.approx([index / FPS for index in range(45)], abs=1e-4)
    assert {frame.format.name for frame in frames} == {"yuv420p"}
    for frame, picture in zip(frames, expected, strict=True):
        assert np.abs(frame.to_ndarray(format="bgr24").astype(int) - picture).mean() < 4
    with av.open(str(tmp_path / "new" / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert float(stream.duration * stream.time_base) == pytest.approx(1.5, abs=0.05)
    # Anywhere can be jumped to within a second.
    keys = [frame.time for frame in frames if frame.key_frame]
    assert len(keys) >= 2
    capture = cv2.VideoCapture(str(tmp_path / "new" / "out.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 45


@pytest.mark.parametrize("size", [(321, 181), (1, 1), (3, 50)])
def test_odd_sizes_get_another_row_and_column(tmp_path, results, size):
    from aernet.video.overlay import draw_overlay

    sink = Recording(tmp_path / "odd.mp4")
    expected = []
    for result in results(3, size=size):
        sink.write(result)
        expected.append(draw_overlay(result))
    sink.close()
    for frame, picture in zip(decoded(tmp_path / "odd.mp4"), expected, strict=True):
        assert (frame.width, frame.height) == tuple(side + side % 2 for side in size)
        shown = frame.to_ndarray(format="bgr24")[: size[1], : size[0]]
        assert np.abs(shown.astype(int) - picture).mean() < 6


def test_another_size_is_brought_to_the_first_and_told(tmp_path, results, caplog):
    sink = Recording(tmp_path / "two.mp4")
    for result in (*results(3), *results(3, size=(640, 640), start=3)):
        sink.write(result)
    sink.close()
    frames = decoded(tmp_path / "two.mp4")
    assert len(frames) == 6
    assert {(frame.width, frame.height) for frame in frames} == {(320, 180)}
    last = frames[-1].to_ndarray(format="bgr24")
    assert last[:, :68].max() < 12  # a square between black bars
    assert last[:, 252:].max() < 12
    assert last[:, 74:246].mean() > 100
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}/two.mp4: frames of 640 x 640 are scaled to 320 x 180, the size of the first"
    ]


def test_masks_of_another_size_go_on_in_another_file(tmp_path, results, caplog):
    (tmp_path / "masks_2.mkv").write_text("somebody's")
    sink = MaskVideo(tmp_path / "masks.mkv")
    written = [*results(3), *results(3, size=(64, 48), start=3)]
    for result in written:
        sink.write(result)
    sink.close()
    found = [*decoded(tmp_path / "masks.mkv"), *decoded(tmp_path / "masks_3.mkv")]
    for frame, result in zip(found, written, strict=True):
        np.testing.assert_array_equal(frame.to_ndarray(format="gray"), result.segmentation.mask)
        assert frame.time == pytest.approx(result.timestamp, abs=2e-3)
    assert (tmp_path / "masks_2.mkv").read_text() == "somebody's"
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}/masks.mkv: the masks are now 64 x 48, and go on in {tmp_path}/masks_3.mkv"
    ]


def test_gaps_and_equal_times_are_kept_in_order(tmp_path, results):
    from dataclasses import replace

    sink = Recording(tmp_path / "gap.mp4")
    for result, seconds in zip(results(5), (0, 0.1, 0.1, 5.0, 5.03), strict=True):
        sink.write(replace(result, timestamp=seconds))
    sink.close()
    times = [frame.time for frame in decoded(tmp_path / "gap.mp4")]
    assert times == pytest.approx([0, 0.1, 0.1, 5.0, 5.03], abs=1e-3)
    assert len(set(times)) == 5


def test_the_masks_are_without_loss(tmp_path, results):
    video, pictures = MaskVideo(tmp_path / "masks.mkv"), MaskPictures(tmp_path / "masks")
    expected = [result.segmentation.mask for result in results(10)]
    for result in results(10):
        video.write(result)
        pictures.write(result)
    video.close()
    pictures.close()
    for frame, mask in zip(decoded(tmp_path / "masks.mkv"), expected, strict=True):
        np.testing.assert_array_equal(frame.to_ndarray(format="gray"), mask)
    names = sorted(path.name for path in (tmp_path / "masks").iterdir())
    assert names == [f"{index:06}.png" for index in range(10)]
    for name, mask in zip(names, expected, strict=True):
        np.testing.assert_array_equal(cv2.imread(str(tmp_path / "masks" / name), cv2.IMREAD_UNCHANGED), mask)


@pytest.mark.parametrize(
    ("name", "kind"), [("a.mp4", Recording), ("A.MP4", Recording), ("a.mkv", MaskVideo), ("a", MaskPictures)]
)
def test_the_name_says_what_is_recorded(tmp_path, name, kind):
    assert isinstance(open_recording(tmp_path / name), kind)


def test_other_names_are_refused(tmp_path):
    with pytest.raises(AernetError, match=r"a\.avi: expected \.mp4 \(the overlay\), \.mkv"):
        open_recording(tmp_path / "a.avi")


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "taken").touch()
    for name in ("taken/out.mp4", "taken/out.mkv"):
        with pytest.raises(AernetError, match=rf"{name}: cannot be written \(") as error:
            open_recording(tmp_path / name)
        assert "\n" not in str(error.value)


def test_a_recording_without_a_frame_leaves_no_file(tmp_path):
    Recording(tmp_path / "out.mp4").close()
    assert list(tmp_path.iterdir()) == []


WRITER = """
import sys, time
sys.path[:0] = {paths!r}
from pathlib import Path
import numpy as np
from aernet.video.writing import FFV1, H264, VideoWriter
path = Path({path!r})
writer = VideoWriter(path, H264 if path.suffix == ".mp4" else FFV1)
rng = np.random.default_rng(0)
try:
    for index in range({count}):
        picture = np.full((180, 320), index % 2 * 255, np.uint8)
        if path.suffix == ".mp4":
            picture = rng.integers(0, 256, (180, 320, 3), np.uint8)
        writer.add(picture, index / 30)
        print(index, flush=True)
        time.sleep({pause})
except Exception as error:
    print(type(error).__name__, error, flush=True)
    try:
        writer.close()
    except Exception:
        pass
"""


def start_writer(path, *, count=10000, pause=0.0, **how):
    program = WRITER.format(paths=sys.path, path=str(path), count=count, pause=pause)
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, **how)


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_what_is_killed_can_be_played_to_the_last_second(tmp_path, name):
    with start_writer(tmp_path / name, pause=0.005) as process:
        for line in process.stdout:
            written = int(line)
            if written == 100:
                break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert played(tmp_path / name) >= written - FPS
    assert len(decoded(tmp_path / name)) >= written - FPS


@pytest.mark.skipif(sys.platform == "win32", reason="limits as POSIX has them")
def test_a_full_disk_ends_the_recording_with_one_line_and_leaves_it_playable(tmp_path):
    import resource

    limit = 400_000

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    with start_writer(tmp_path / "out.mp4", preexec_fn=limited) as process:
        lines = process.communicate(timeout=120)[0].splitlines()
    assert (
        lines[-1]
        == f"OutputError {tmp_path}/out.mp4: cannot be written (File too large); the video ends here"
    )
    assert 0 < (tmp_path / "out.mp4").stat().st_size <= limit
    assert played(tmp_path / "out.mp4") >= int(lines[-2]) - FPS


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_no_space_is_said_as_such(tmp_path, results):
    (tmp_path / "out.mp4").symlink_to("/dev/full")
    sink = Recording(tmp_path / "out.mp4")
    with pytest.raises(AernetError, match=r"out\.mp4: cannot be written \(No space left on device\)"):
        list(map(sink.write, results(100)))


def test_without_pyav(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(AernetError, match=r"out\.mp4: needs PyAV; pip install 'aernet\[video\]'"):
        Recording(tmp_path / "out.mp4")
