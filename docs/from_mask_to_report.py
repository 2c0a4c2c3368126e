"""Draw the figure of from-mask-to-report.md: one lesion with its measurements."""

from __future__ import annotations

from pathlib import Path

import cv2

from aernet import Segmenter
from aernet.pictures import example_pictures

LESION = "ISIC_0013459"
MM_PER_PIXEL = 10 / 483  # the picture shows a ruler that is 483 pixels long


def main() -> None:
    """Write `from-mask-to-report.jpg` beside this file."""
    (path,) = (path for path in example_pictures() if path.stem == LESION)
    with Segmenter() as segmenter:
        figure = segmenter(path).figure(MM_PER_PIXEL)
    cv2.imwrite(str(Path(__file__).with_name("from-mask-to-report.jpg")), figure)


if __name__ == "__main__":
    main()
