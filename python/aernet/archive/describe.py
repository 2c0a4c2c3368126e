"""What a row tells of the lesion of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aernet.video.extent import extent_row

if TYPE_CHECKING:
    from aernet.segmentation import Segmentation


def describe(result: Segmentation[Any], model: str) -> dict[str, Any]:
    """Return what is known of a picture, as the track of a video tells it of a frame.

    Args:
        result: the result.
        model: the name of the model that gave it.
    """
    height, width = result.mask.shape
    calibrated = result.quality is not None
    return {
        "width": width,
        "height": height,
        "area_fraction": result.area_fraction,
        **extent_row(result.mask),
        "expected_dice": round(result.expected_dice, 4) if calibrated else None,
        "needs_review": result.needs_review if calibrated else None,
        "threshold": result.threshold,
        "model": model,
    }
