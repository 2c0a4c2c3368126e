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
from aernet.files import replacing, write_text
from aernet.pictures import read_picture, write_png
from aernet.segmentation import outlines
from aernet.video.extent import EXTENT_COLUMNS, extent_row
from aernet.video.frame import to_bgr
from aernet.video.overlay import draw_lesion
from aernet.video.sinks.masks import mask_path
from aernet.video.sources.videofile import VideoFile
from aernet.video.writing import H264, VideoWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aernet.picture_segmenter import PictureSegmenter

_SETTINGS = "settings.json"


def segment_video(
    segmenter: PictureSegmenter,
    video: Path,
    files: Mapping[str, Path],
    *,
    largest: bool,
    afresh: bool,
    on_frame: Callable[[], object],
) -> dict[str, Any]:
    """Segment each frame of a video and return its record for JSON.

    Masks of an earlier run with the same settings are reused; every other file appears only when complete.

    Args:
        segmenter: takes BGR frames.
        video: a video file.
        files: "masks", a folder for `000000.png` and so on; "track", a CSV file; optionally "overlay", an
            MP4 file, and "contours", a JSON Lines file.
        largest: whether only the largest region counts, its holes filled.
        afresh: whether to make earlier masks again.
        on_frame: called after each frame.

    Raises:
        SourceError: the file is not a video of 8 bits a channel, or its frames change size.
        AernetError: an output cannot be written.
    """
    settings = {
        "input": video.name,
        "bytes": video.stat().st_size,
        "model": segmenter.card.name,
        "model_version": segmenter.card.version,
        "threshold": segmenter.threshold,
        "largest": largest,
        "aernet": __version__,
    }
    _prepare(files["masks"], settings, afresh=afresh)
    latencies: list[float] = []
    areas: list[float] = []
    index = -1
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
        for index, (frame, seconds) in enumerate(frames):
            picture = to_bgr(frame)
            file = mask_path(files["masks"], index)
            if file.is_file():
                mask = np.ascontiguousarray(read_picture(file)[:, :, 0])
            else:
                result = segmenter(picture)
                mask = (result.largest() if largest else result).mask
                write_png(file, mask)
                latencies.append(result.latency_ms)
            areas.append(cv2.countNonZero(mask) / mask.size)
            track.writerow((index, f"{seconds:.6f}", *extent_row(mask).values()))
            if overlay is not None:
                draw_lesion(picture, mask)
                overlay.add(picture, seconds)
            if contours is not None:
                polygons = [border.tolist() for border in outlines(mask)]
                contours.write(json.dumps({"frame": index, "seconds": seconds, "contours": polygons}) + "\n")
            on_frame()
    return {
        "frames": index + 1,
        "width": mask.shape[1],
        "height": mask.shape[0],
        "area_fraction": median(areas),
        "threshold": segmenter.threshold,
        "model": segmenter.card.name,
        "latency_ms": round(median(latencies), 3) if latencies else None,
    }


def _prepare(folder: Path, settings: Mapping[str, Any], *, afresh: bool) -> None:
    """Delete masks that were made with other settings, and write these settings down."""
    note = folder / _SETTINGS
    text = json.dumps(settings, indent=2)
    if not afresh and note.is_file() and note.read_text(encoding="utf-8") == text:
        return
    for mask in folder.glob("[0-9]*.png"):
        mask.unlink()
    write_text(note, text)
