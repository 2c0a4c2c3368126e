"""What a row tells of the lesion of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aernet.segmentation import Segmentation


def describe(
    result: Segmentation[Any], model: str, mm_per_pixel: tuple[float, float] | None = None
) -> dict[str, Any]:
    """Return the measurements of a picture, and how far to trust them; see `Segmentation.row`.

    Args:
        result: the result.
        model: the name of the model that gave it.
        mm_per_pixel: the distances of neighbouring rows and of columns in millimetres, if they are known.
    """
    return result.row(mm_per_pixel) | {"model": model}


def numbers_of(row: Mapping[str, Any]) -> dict[str, float]:
    """Return what a row has in numbers; true is 1."""
    return {name: value for name, value in row.items() if isinstance(value, (int, float))}
