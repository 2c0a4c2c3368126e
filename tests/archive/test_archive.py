"""What Python users have of it."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest

from aernet import Segmenter
from aernet._native import get_num_threads
from aernet.archive import Archive, Settings, outputs
from aernet.archive.journal import Journal, JournalError
from aernet.archive.kinds import KINDS, Kind
from aernet.archive.one_picture import make_picture
from aernet.archive.workers import in_order
from aernet.errors import AernetError


def test_rows_come_in_the_order_of_the_inputs_and_masks_are_those_of_the_segmenter(model, pictures, tmp_path):
    archive = Archive([str(pictures)], tmp_path / "out")
    assert len(archive) == 12
    before = get_num_threads()
    rows = list(archive.segment(Settings(model=str(model), jobs=3)))
    assert get_num_threads() == before
    assert [row["input"] for row in rows] == [str(path) for path in sorted(pictures.iterdir())]
    with Segmenter(model) as segmenter:
        for row in rows:
            found = cv2.imread(row["mask"], cv2.IMREAD_UNCHANGED)
            np.testing.assert_array_equal(found, segmenter(cv2.imread(row["input"])).mask)


def test_an_unknown_kind_is_named(model, pictures, tmp_path):
    rows = Archive([str(pictures)], tmp_path / "out").segment(Settings(model=str(model), kinds=["overlays"]))
    with pytest.raises(AernetError, match=r"^kinds: 'overlays' is none, .* \(did you mean overlay\?\)$"):
        next(rows)


def workers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("aernet archive")]


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_run_that_is_left_ends_with_what_is_under_way_and_goes_on_later(model, pictures, tmp_path, jobs):
    archive = Archive([str(pictures)], tmp_path / "out")
    settings = Settings(model=str(model), jobs=jobs)
    rows = archive.segment(settings)
    assert next(rows)["status"] == "done"
    rows.close()
    assert workers() == []
    again = [row["status"] for row in archive.segment(settings)]
    assert again[0] == "skipped"
    assert set(again) <= {"skipped", "done"}


def test_what_lets_all_inputs_fail_ends_the_run_once(model, pictures, tmp_path, monkeypatch):
    def fail(*_):
        raise JournalError("the disk is gone")

    monkeypatch.setattr(Journal, "write", fail)
    rows = Archive([str(pictures)], tmp_path / "out").segment(Settings(model=str(model), jobs=3))
    with pytest.raises(AernetError, match=r"^the disk is gone; stopped after 0 of 12 inputs, as all would"):
        next(rows)
    assert workers() == []


def test_a_file_of_the_whole_run_has_the_pieces_of_all_pictures_in_order(
    model, pictures, tmp_path, monkeypatch
):
    kind = Kind(
        "sizes",
        "sizes.txt",
        lambda done: f"{done.row['input']} {done.result.mask.shape}".encode(),
        join=lambda pieces: (piece + b"\n" for piece in pieces),
    )
    monkeypatch.setitem(KINDS, "sizes", kind)
    expected = "".join(f"{path} (60, 80)\n" for path in sorted(pictures.iterdir()))
    (pictures / "zz.png").write_bytes(b"no picture")
    settings = Settings(model=str(model), kinds=["sizes"])
    list(Archive([str(pictures / "03.png")], tmp_path / "out").segment(settings))
    for _ in range(2):
        rows = list(Archive([str(pictures)], tmp_path / "out").segment(settings))
        assert (tmp_path / "out" / "sizes.txt").read_text() == expected
    assert [row["status"] for row in rows] == ["skipped"] * 12 + ["failed"]
    assert outputs.input_of(tmp_path / "sizes.txt") is None


def test_at_most_a_bounded_number_is_ahead_of_one_that_takes_long():
    begun = []
    release = threading.Event()

    def work(number):
        begun.append(number)
        if number == 0:
            release.wait(60)
        return number

    results = []
    made = in_order(work, iter(range(10_000)), 2, lambda: None)
    reader = threading.Thread(target=lambda: results.extend(made))
    reader.start()
    while len(begun) < 200:
        time.sleep(0.001)
    time.sleep(0.05)
    assert len(begun) == 200
    release.set()
    reader.join()
    assert results == list(range(10_000))


def test_inputs_of_a_list(segment, pictures, tmp_path):
    names = [pictures / "07.png", pictures / "01.png"]
    lines = "".join(f"{name}\n" for name in names)
    (tmp_path / "list.txt").write_text(lines + "\n")
    for options, given in (
        (["--from-file", tmp_path / "list.txt"], None),
        (["--from-file", "-"], lines),
        (["--from-file", "-"], lines.replace("\n", "\r\n")),
        (["--from-file", "-"], lines.replace("\n", "\0")),
        (["--from-file", "-"], lines.encode("utf-8-sig")),  # as editors of Windows write it
        (["--from-file", "-"], lines.encode("utf-16")),
    ):
        answer, rows = segment(*options, inputs=(), stdin=given)
        assert answer.exit_code == 0, answer.output
        assert [row["input"] for row in rows] == list(map(str, names))
    assert len(segment("--from-file", tmp_path / "list.txt", inputs=[pictures / "00.png"])[1]) == 3


def test_lists_that_cannot_be_used(segment, tmp_path):
    for options, inputs, status, part in (
        (["--from-file", tmp_path / "no.txt"], (), 1, "no.txt: the list of inputs cannot be read (No such"),
        (["--from-file", "-"], (), 1, "stdin: the list of inputs names none"),
        (["--from-file", "-"], ("-",), 2, "the standard input is either a list of inputs or a picture"),
        ([], (), 2, "expected one or more, or --from-file LIST"),
    ):
        answer, _ = segment(*options, inputs=inputs, stdin="")
        assert (answer.exit_code, answer.stderr.count("\n")) == (status, 1)
        assert part in answer.stderr


def test_a_picture_for_which_opencv_has_no_memory_fails_alone(segment, monkeypatch):
    def make(segmenter, path, order):
        if path.name == "03.png":
            error = cv2.error("OpenCV: Insufficient memory")
            error.code = cv2.Error.StsNoMem
            raise error
        return make_picture(segmenter, path, order)

    monkeypatch.setattr("aernet.archive.archive.make_picture", make)
    answer, rows = segment()
    assert answer.exit_code == 1
    failed = [row for row in rows if row["status"] == "failed"]
    assert len(rows) == 12
    assert [row["error"].partition("03.png")[2] for row in failed] == [": takes more memory than there is"]
