"""An app for a dermatoscope: the live picture with the lesion outlined, and a button that saves it.

    python examples/device_app.py 0

The argument is a source as for `aernet-trt live`; the default is the synthetic dermatoscope.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2

from aernet import Segmenter
from aernet.video import draw_overlay

WINDOW, BUTTON = "dermatoscope", (20, 20, 160, 70)  # x, y, width, height


def main() -> None:
    """Show the source until q is pressed; a click on the button saves the picture and its mask."""
    clicks: list[int] = []
    left, top, width, height = BUTTON

    def on_mouse(event: int, x: int, y: int, _flags: int, _param: object) -> None:
        if event == cv2.EVENT_LBUTTONDOWN and 0 <= x - left < width and 0 <= y - top < height:
            clicks.append(event)

    cv2.namedWindow(WINDOW)
    cv2.setMouseCallback(WINDOW, on_mouse)
    with Segmenter() as segmenter, segmenter.stream(sys.argv[1] if sys.argv[1:] else "test://") as stream:
        for result in stream:
            if clicks:
                clicks.clear()
                cv2.imwrite(str(Path(f"{result.frame_index:06}.png")), result.picture)
                cv2.imwrite(str(Path(f"{result.frame_index:06}_mask.png")), result.segmentation.mask)
            screen = draw_overlay(result)
            cv2.rectangle(screen, BUTTON, (255, 255, 255), cv2.FILLED)
            cv2.putText(screen, "save", (50, 65), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 2)
            cv2.imshow(WINDOW, screen)
            if cv2.waitKey(1) == ord("q"):
                break


if __name__ == "__main__":
    main()
