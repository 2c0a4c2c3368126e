"""Draw the README's figure: the bundled pictures with the lesions that the bundled model finds."""

from __future__ import annotations

from pathlib import Path

import cv2

from aernet import Segmenter
from aernet.pictures import example_pictures, read_picture

HEIGHT = 240


def main() -> None:
    """Write `segmentation.jpg` beside this file."""
    strip = []
    with Segmenter() as segmenter:
        for path in example_pictures():
            overlay = segmenter(read_picture(path)).overlay()
            width = round(overlay.shape[1] * HEIGHT / overlay.shape[0])
            strip.append(cv2.resize(overlay, (width, HEIGHT), interpolation=cv2.INTER_AREA))
    cv2.imwrite(str(Path(__file__).with_name("segmentation.jpg")), cv2.hconcat(strip))


if __name__ == "__main__":
    main()
