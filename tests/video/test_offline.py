from __future__ import annotations

import csv
import json
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest

from aernet import Segmenter
from aernet.archive.journal import JOURNAL


@pytest.fixture
def video(tmp_path, write_video, disc):
    return write_video(tmp_path / "in" / "disc.mkv", [disc(x=60 + 4 * index) for index in range(12)])


@pytest.fixture(autouse=True)
def folder(tmp_path):
    (tmp_path / "in").mkdir()


@pytest.fixture
def segment(command, model, tmp_path):
    def run(*arguments, inputs):
        return command("segment", *inputs, "-o", tmp_path / "out", "--model", model, *arguments)

    return run


def pictures_of(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def names(folder):
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(file for file in files if file != JOURNAL)


def test_each_frame_is_segmented_as_a_picture_is(segment, video, model, tmp_path):
    answer = segment("--overlay", "--contours", "--json", inputs=[video])
    assert answer.returncode == 0, answer.stderr
    out = tmp_path / "out"
    masks = [f"disc_masks/{index:06}.png" for index in range(12)]
    assert names(out) == sorted(
        [*masks, "disc_masks/settings.json", "disc_track.csv", "disc_overlay.mp4", "disc_contours.jsonl"]
    )
    (record,) = map(json.loads, answer.stdout.splitlines())
    assert record["status"] == "done"
    assert (record["frames"], record["width"], record["height"]) == (12, 320, 180)
    rows = list(csv.DictReader((out / "disc_track.csv").read_text().splitlines()))
    lines = [json.loads(line) for line in (out / "disc_contours.jsonl").read_text().splitlines()]
    overlays = pictures_of(out / "disc_overlay.mp4")
    assert len(rows) == len(lines) == len(overlays) == 12
    with Segmenter(model) as segmenter:
        for index, picture in enumerate(pictures_of(video)):
            expected = segmenter(picture)
            mask = cv2.imread(str(out / masks[index]), cv2.IMREAD_UNCHANGED)
            np.testing.assert_array_equal(mask, expected.mask)
            assert int(rows[index]["area_px"]) == np.count_nonzero(mask)
            assert float(rows[index]["seconds"]) == pytest.approx(index / 25, abs=1e-3)
            assert float(rows[index]["centroid_px_x"]) == pytest.approx(60 + 4 * index, abs=1)
            assert lines[index]["contours"] == [border.tolist() for border in expected.contours()]
            assert np.abs(overlays[index].astype(int) - expected.overlay()).mean() < 4


def test_videos_and_pictures_side_by_side(segment, video, examples, tmp_path):
    answer = segment("--json", inputs=[video, examples[0]])
    assert answer.returncode == 0, answer.stderr
    assert [json.loads(line)["status"] for line in answer.stdout.splitlines()] == ["done", "done"]
    assert "disc_track.csv" in names(tmp_path / "out")
    assert f"{examples[0].stem}_mask.png" in names(tmp_path / "out")


def test_what_is_done_is_skipped_unless_overwrite(segment, video, tmp_path):
    assert segment(inputs=[video]).returncode == 0
    again = segment("--json", inputs=[video])
    assert json.loads(again.stdout)["status"] == "skipped"
    first = tmp_path / "out" / "disc_masks" / "000000.png"
    genuine = first.read_bytes()
    first.write_bytes(b"damaged")
    done = segment("--json", "--overwrite", inputs=[video])
    assert json.loads(done.stdout)["status"] == "done"
    assert first.read_bytes() == genuine


def test_masks_of_an_earlier_run_are_taken_if_they_were_made_alike(segment, video, tmp_path):
    assert segment(inputs=[video]).returncode == 0
    out = tmp_path / "out"
    marked = np.zeros((180, 320), np.uint8)
    marked[5:15, 5:15] = 255
    cv2.imwrite(str(out / "disc_masks" / "000003.png"), marked)
    (out / "disc_masks" / "000007.png").unlink()
    (out / "disc_track.csv").unlink()
    answer = segment("--json", inputs=[video])
    assert json.loads(answer.stdout)["status"] == "done"
    areas = [int(row["area_px"]) for row in csv.DictReader((out / "disc_track.csv").read_text().splitlines())]
    assert areas[3] == 100
    assert areas[7] == pytest.approx(areas[8], rel=0.05)
    assert areas[7] > 1000
    # Another threshold: nothing of the earlier run is left.
    (out / "disc_track.csv").unlink()
    assert segment("--threshold", "0.9", inputs=[video]).returncode == 0
    assert cv2.imread(str(out / "disc_masks" / "000003.png"), cv2.IMREAD_UNCHANGED)[100, 72] == 255


@pytest.mark.parametrize("track", [True, False])
def test_a_mask_that_a_failure_of_power_left_empty_is_made_again(segment, video, tmp_path, track):
    assert segment(inputs=[video]).returncode == 0
    empty = tmp_path / "out" / "disc_masks" / "000003.png"
    whole = empty.read_bytes()
    empty.write_bytes(b"")
    if not track:
        (tmp_path / "out" / "disc_track.csv").unlink()
    answer = segment("--json", inputs=[video])
    assert json.loads(answer.stdout)["status"] == "done"
    assert empty.read_bytes() == whole


def test_bad_videos_are_named_and_counted(segment, video, tmp_path):
    (tmp_path / "in" / "text.mp4").write_text("no video")
    answer = segment("--json", inputs=[tmp_path / "in" / "text.mp4", video])
    assert answer.returncode == 1
    failed, done = map(json.loads, answer.stdout.splitlines())
    assert failed["status"] == "failed"
    assert failed["error"].startswith(f"{tmp_path}/in/text.mp4: cannot be read as video")
    assert failed["error"] in answer.stderr.splitlines()
    assert done["status"] == "done"
    assert not any("text" in name for name in names(tmp_path / "out"))


def test_largest(segment, tmp_path, write_video, disc):
    picture = cv2.circle(disc(), (290, 30), 15, (20, 30, 60), cv2.FILLED)
    video = write_video(tmp_path / "in" / "two.mkv", [picture] * 2)
    assert segment("--keep", "largest", inputs=[video]).returncode == 0
    mask = cv2.imread(str(tmp_path / "out" / "two_masks" / "000001.png"), cv2.IMREAD_UNCHANGED)
    assert mask[90, 160] == 255
    assert mask[30, 290] == 0


def test_masks_of_another_film_are_not_taken(segment, disc, tmp_path):
    films = []
    for day, radius in ((1, 20), (2, 40)):
        (tmp_path / "in" / f"day{day}").mkdir()
        path = tmp_path / "in" / f"day{day}" / "film.avi"
        with av.open(str(path), "w") as container:  # of the same size
            stream = container.add_stream("rawvideo", rate=25)
            stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
            frame = av.VideoFrame.from_ndarray(disc(radius=radius), format="bgr24")
            for index in range(3):
                frame.pts = index
                container.mux(stream.encode(frame.reformat(format="yuv420p")))
        films.append(path)
    assert films[0].stat().st_size == films[1].stat().st_size
    first = json.loads(segment("--json", inputs=films[:1]).stdout)
    (tmp_path / "out" / "film_track.csv").unlink()  # as if it had been interrupted
    answer = segment("--json", inputs=films[1:])
    assert answer.returncode == 1
    assert json.loads(answer.stdout)["error"] == (
        f"{films[1]}: {tmp_path / 'out' / 'film_masks'} is of another video, {films[0]};"
        " choose another --output, or --overwrite"
    )
    second = json.loads(segment("--json", "--overwrite", inputs=films[1:]).stdout)
    assert second["status"] == "done"
    assert second["area_fraction"] == pytest.approx(4 * first["area_fraction"], rel=0.1)


def test_a_damaged_film_is_told_and_its_whole_frames_are_segmented(segment, film, tmp_path):
    path = film(tmp_path / "in" / "a.mp4", options={"g": "20", "bf": "0"})
    whole = path.read_bytes()
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(whole)
    start, size = places[25]
    data[start + 10 : start + size] = np.random.default_rng(1).bytes(size - 10)
    path.write_bytes(data)
    answer = segment("--json", "--overlay", "--contours", inputs=[path])
    record = json.loads(answer.stdout)
    out = tmp_path / "out"
    assert answer.returncode == 1
    assert record["status"] == "damaged"
    assert record["damaged_frames"] == list(range(25, 40))
    assert record["frames"] == 45
    assert record["error"].startswith(f"{path}: is damaged: frames 25 to 39 cannot be decoded rightly")
    assert record["error"] in answer.stderr.splitlines()
    good = [*range(25), *range(40, 60)]
    rows = list(csv.DictReader((out / "a_track.csv").read_text().splitlines()))
    lines = [json.loads(line) for line in (out / "a_contours.jsonl").read_text().splitlines()]
    assert [int(row["frame"]) for row in rows] == [line["frame"] for line in lines] == good
    assert [float(row["seconds"]) for row in rows] == pytest.approx([index / 25 for index in good])
    assert len(pictures_of(out / "a_overlay.mp4")) == 45
    assert names(out / "a_masks") == [*(f"{index:06}.png" for index in good), "settings.json"]
    # It is told again, until there is a whole copy.
    again = segment("--json", "--overlay", "--contours", inputs=[path])
    assert again.returncode == 1
    assert json.loads(again.stdout)["error"] == record["error"]
    path.write_bytes(whole)
    better = json.loads(segment("--json", "--overlay", "--contours", inputs=[path]).stdout)
    assert (better["status"], better["frames"]) == ("done", 60)
    assert len(names(out / "a_masks")) == 61


INTERRUPTED = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from aernet.cli import main
from aernet.video import offline
write_png = offline.write_png
def write_and_interrupt(path, mask):
    write_png(path, mask)
    if path.name == "000005.png":
        os.kill(os.getpid(), signal.SIGINT)
offline.write_png = write_and_interrupt
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_interrupted_and_gone_on_with(segment, model, write_video, disc, tmp_path):
    video = write_video(tmp_path / "in" / "long.mkv", [disc()] * 20)
    out = tmp_path / "out"
    arguments = ["segment", video, "-o", out, "--model", model, "--overlay"]
    answer = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 130
    assert answer.stderr == "aernet-trt: interrupted; all finished outputs are complete\n"
    masks = [f"long_masks/{index:06}.png" for index in range(6)]
    assert names(out) == [*masks, "long_masks/settings.json"]
    early = (out / masks[0]).stat().st_mtime_ns
    answer = segment("--overlay", "--json", inputs=[video])
    assert json.loads(answer.stdout)["frames"] == 20
    assert (out / masks[0]).stat().st_mtime_ns == early
    assert len(pictures_of(out / "long_overlay.mp4")) == 20
