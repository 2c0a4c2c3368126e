"""Segments a video file frame by frame; an interrupted run can be continued."""

from __future__ import annotations

import csv
import json
from contextlib import ExitStack, closing
from statistics import median
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from aernet._native import __version__
from aernet.drawing import draw_lesion
from aernet.files import changed_ns, remove, replacing, sha256_of, write_text
from aernet.pictures import read_picture, write_png
from aernet.regions import outlines
from aernet.video.extent import EXTENT_COLUMNS, extent_row
from aernet.video.frame import to_bgr
from aernet.video.sinks.masks import mask_path
from aernet.video.sources.videofile import DamagedVideoError, VideoFile
from aernet.video.writing import H264, VideoWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from aernet.picture_segmenter import PictureSegmenter
    from aernet.video.sources.base import Frames

_NOTE = "settings.json"
_MASKS = "[0-9]*.png"


def segment_video(
    segmenter: PictureSegmenter,
    video: Path,
    files: Mapping[str, Path],
    *,
    settings: Mapping[str, Any],
    afresh: bool,
    on_frame: Callable[[], object],
) -> dict[str, Any]:
    """Segment each frame of a video and return its record for JSON.

    Masks of an earlier run on the same film with the same settings are reused; every other file appears only
    when complete. A damaged frame gets no mask and no line, and the others keep their numbers.

    The record's status is "done" or "damaged". Then "damaged_frames" are the numbers of the frames that are
    damaged or missing, and "error" says the same in words.

    Args:
        segmenter: takes BGR frames.
        video: a video file.
        files: "masks", a folder for `000000.png` and so on; "track", a CSV file; optionally "overlay", an
            MP4 file, and "contours", a JSON Lines file.
        settings: what earlier masks must have been made with to be used again.
        afresh: whether to make earlier masks again.
        on_frame: called after each frame.

    Raises:
        SourceError: the file is not a video of 8 bits a channel, its frames change size, or none of them is
            whole.
        AernetError: an output cannot be written.
    """
    noted = {"film": _identity(video), **settings, "aernet": __version__}
    latencies: list[float | None] = []
    areas: list[float] = []
    damage: list[DamagedVideoError] = []
    with ExitStack() as stack:
        whole = {
            kind: stack.enter_context(replacing(file)) for kind, file in files.items() if kind != "masks"
        }
        track = csv.writer(stack.enter_context(whole["track"].open("w", encoding="utf-8", newline="")))
        track.writerow(("frame", "seconds", *EXTENT_COLUMNS))
        overlay, contours = None, None
        if "overlay" in whole:
            overlay = stack.enter_context(closing(VideoWriter(whole["overlay"], H264)))
        if "contours" in whole:
            contours = stack.enter_context(whole["contours"].open("w", encoding="utf-8"))
        frames = stack.enter_context(closing(VideoFile(video).frames()))
        for index, (frame, seconds) in enumerate(_until_damage(frames, damage)):
            if frame is None:
                continue
            if not areas:
                _prepare(files["masks"], noted, afresh=afresh)
            picture = to_bgr(frame)
            file = mask_path(files["masks"], index)
            mask, latency_ms = _mask_of(picture, file, segmenter)
            latencies.append(latency_ms)
            areas.append(cv2.countNonZero(mask) / mask.size)
            track.writerow((index, f"{seconds:.6f}", *extent_row(mask).values()))
            if overlay is not None:
                draw_lesion(picture, mask, line=cv2.LINE_8)
                overlay.add(picture, seconds)
            if contours is not None:
                polygons = [border.tolist() for border in outlines(mask)]
                contours.write(json.dumps({"frame": index, "seconds": seconds, "contours": polygons}) + "\n")
            on_frame()
    facts = {
        "frames": len(areas),
        "width": mask.shape[1],
        "height": mask.shape[0],
        "area_fraction": median(areas),
        "threshold": segmenter.threshold,
        "model": segmenter.card.name,
        "latency_ms": _median([latency for latency in latencies if latency is not None]),
    }
    if not damage:
        return {"status": "done"} | facts
    told = {"damaged_frames": damage[0].frames, "error": str(damage[0])}
    return {"status": "damaged"} | facts | told


def _mask_of(
    picture: npt.NDArray[np.uint8], file: Path, segmenter: PictureSegmenter
) -> tuple[npt.NDArray[np.uint8], float | None]:
    """Return the mask of a picture, and how long it took in milliseconds; None if an earlier run made it."""
    if file.is_file() and file.stat().st_size:  # an empty one is what a failure of power may leave
        return np.ascontiguousarray(read_picture(file)[:, :, 0]), None
    result = segmenter(picture)
    write_png(file, result.mask)
    return result.mask, result.latency_ms


def _median(latencies: list[float]) -> float | None:
    return round(median(latencies), 3) if latencies else None


def _until_damage(frames: Frames, damage: list[DamagedVideoError]) -> Frames:
    """Yield the frames, and put the error that tells of damaged ones in the end into a list."""
    try:
        yield from frames
    except DamagedVideoError as error:
        damage.append(error)


def _identity(video: Path) -> dict[str, Any]:
    """Return where a film lies, and what tells it from every other."""
    changed = changed_ns(video.stat())
    return {"path": str(video.resolve()), "changed_ns": changed, "sha256": sha256_of(video)}


def _read_note(folder: Path) -> dict[str, Any]:
    """Return what an earlier run wrote down beside its masks; nothing if there was none."""
    try:
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def _prepare(folder: Path, settings: Mapping[str, Any], *, afresh: bool) -> None:
    """Delete masks that were made with other settings, and write these settings down."""
    note = _read_note(folder)
    if not afresh and {key: note.get(key) for key in settings} == settings:
        return
    for mask in folder.glob(_MASKS):
        remove(mask)
    write_text(folder / _NOTE, json.dumps(settings, indent=2))
