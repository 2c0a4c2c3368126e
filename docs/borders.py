"""Draw the figure of borders.md: the three borders of the default model on one lesion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from aernet import Segmenter
from aernet.pictures import example_pictures, read_picture

if TYPE_CHECKING:
    from aernet.borders import BorderName

LESION = "ISIC_0013459"
COLOURS: dict[BorderName, tuple[int, int, int]] = {  # BGR
    "wide": (255, 160, 60),
    "isic": (80, 255, 80),
    "tight": (60, 120, 255),
}


def main() -> None:
    """Write `borders.jpg` beside this file."""
    (path,) = (path for path in example_pictures() if path.stem == LESION)
    picture = read_picture(path)
    drawn = picture.copy()
    for line, (border, colour) in enumerate(COLOURS.items()):
        with Segmenter(border=border) as segmenter:
            outlines = segmenter(picture).contours()
        cv2.drawContours(drawn, outlines, -1, colour, 2, cv2.LINE_AA)
        place = (14, 34 + 30 * line)
        for ink, width in (((0, 0, 0), 5), (colour, 2)):
            cv2.putText(drawn, border, place, cv2.FONT_HERSHEY_SIMPLEX, 0.9, ink, width, cv2.LINE_AA)
    cv2.imwrite(str(Path(__file__).with_name("borders.jpg")), drawn)


if __name__ == "__main__":
    main()
