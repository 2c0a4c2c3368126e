"""Which measurements move when the light does: the same masks, measured under known changes of the light.

A picture is changed in linear light: its white goes from D65 to the daylight of 5500 K (D55, warmer) or
7500 K (D75, cooler) by the Bradford transform, as if the camera had not been balanced; or it gets 10 % more
or less light. Values above 255 are cut off, as a camera does. The masks are the experts', and stay.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
import typer
from measurements import numbers, shaped_pairs
from rich.console import Console
from rich.progress import track

from aernet.measure import measure_mask

if TYPE_CHECKING:
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]
    Matrix = npt.NDArray[np.float64]

# Chromaticities (x, y) of CIE 15:2004, table T.3.
WHITES = {"D55, warmer": (0.33243, 0.34744), "D75, cooler": (0.29903, 0.31488)}
D65 = (0.3127, 0.3290)
SRGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def main(
    images: Annotated[Path, typer.Argument(help="Folder or zip file of pictures.")],
    masks: Annotated[Path, typer.Argument(help="Folder or zip file of masks, <picture>_segmentation.png.")],
    split: Annotated[
        Path, typer.Argument(help="CSV file with image_id, subset, original_width_px and original_height_px.")
    ],
) -> None:
    """Print a Markdown table: the mean change of each measure, and its mean size."""
    cv2.setNumThreads(1)
    changes = {name: adaptation(white) for name, white in WHITES.items()}
    changes |= {"10 % more light": 1.1 * np.eye(3), "10 % less light": 0.9 * np.eye(3)}
    before, after = [], {name: [] for name in changes}
    for pair, unsquashed in track(
        list(shaped_pairs(images, masks, split, ["val"])), "Measuring", console=Console(stderr=True)
    ):
        picture, truth = (unsquashed(image) for image in pair.read())
        before.append(numbers(measure_mask(truth, picture)))
        for name, matrix in changes.items():
            after[name].append(numbers(measure_mask(truth, relit(picture, matrix))))
    print(f"{len(before)} pictures of val; mean change, and in brackets the mean of its size\n")
    print(f"| measure | mean | {' | '.join(changes)} |\n|{'---|' * (len(changes) + 2)}")
    for name in before[0]:
        base = np.array([row[name] for row in before])
        moved = {change: np.array([row[name] for row in rows]) - base for change, rows in after.items()}
        if any(np.nanmax(np.abs(apart)) > 0 for apart in moved.values()):
            cells = [
                f"{np.nanmean(apart):+.2g} ({np.nanmean(np.abs(apart)):.2g})" for apart in moved.values()
            ]
            print(f"| `{name}` | {np.nanmean(base):.3g} | {' | '.join(cells)} |")


def adaptation(white: tuple[float, float]) -> Matrix:
    """Return the matrix on linear sRGB that takes the white D65 to another."""
    old, new = (BRADFORD @ np.array([x / y, 1, (1 - x - y) / y]) for x, y in (D65, white))
    return np.linalg.inv(SRGB) @ np.linalg.inv(BRADFORD) @ np.diag(new / old) @ BRADFORD @ SRGB


def relit(picture: Image, matrix: Matrix) -> Image:
    """Return a BGR picture in sRGB after a change of its linear RGB."""
    value = np.arange(256) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)
    light = np.clip(cv2.transform(cv2.LUT(picture, linear), matrix[::-1, ::-1].copy()), 0, 1)
    back = np.where(light <= 0.0031308, light * 12.92, 1.055 * np.power(light, 1 / 2.4) - 0.055)
    return np.rint(back * 255).astype(np.uint8)


if __name__ == "__main__":
    typer.run(main)
