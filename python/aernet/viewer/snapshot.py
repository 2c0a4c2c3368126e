"""A snapshot of a result: the picture, the mask, and the facts about them."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING

from aernet.result_files import png_bytes
from aernet.video.extent import extent_row

if TYPE_CHECKING:
    from aernet.prediction import Predictor
    from aernet.video.result import VideoResult


def encode_snapshot(
    result: VideoResult, segmenter: Predictor, source: str, mm_per_pixel: float | None = None
) -> bytes:
    """Return a ZIP of `picture.png` (the frame), `mask.png` (0 or 255) and `result.json`.

    Both pictures are lossless and have the frame's size. `result.json` has size and place of the
    lesion, in pixels, and in millimetres where `mm_per_pixel` is known.
    """
    segmentation = result.segmentation
    facts = {
        "source": source,
        "frame": result.frame_index,
        "seconds": round(result.timestamp, 6),
        "saved": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "state": result.state.value,
        "latency_ms": round(result.latency_ms, 3),
        "threshold": segmentation.threshold,
        **extent_row(segmentation.mask, mm_per_pixel),
        "model": {
            "name": segmenter.card.name,
            "version": segmenter.card.version,
            "revision": segmenter.card.revision,
        },
        "device": segmenter.device,
        "runtime": segmenter.runtime,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("picture.png", png_bytes(result.picture))
        archive.writestr("mask.png", png_bytes(segmentation.mask))
        archive.writestr("result.json", json.dumps(facts, indent=2) + "\n")
    return buffer.getvalue()
