"""A window on the screen."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import cv2

from aernet.errors import AernetError
from aernet.video.overlay import draw_overlay

if TYPE_CHECKING:
    from aernet.video.result import VideoResult

_TITLE = "aernet"
_CLOSING_KEYS = {ord("q"), 27}  # 27 is Escape


def has_display() -> bool:
    """Tell whether there is a screen to show a window on."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


class Window:
    """Shows results in an OpenCV window; not a sink, as some systems want windows on the main thread.

    Raises:
        AernetError: there is no screen, or OpenCV was built without windows.
    """

    def __init__(self) -> None:
        if not has_display():
            raise AernetError("window: there is no display; use --view web or --view none")
        try:
            cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL)
        except cv2.error as error:
            raise AernetError(f"window: OpenCV cannot open one ({error.err}); use --view none") from None

    def show(self, result: VideoResult) -> bool:
        """Show a result; return False once the user has closed the window, or pressed q or Escape."""
        cv2.imshow(_TITLE, draw_overlay(result))
        return self._is_open(1)

    def wait(self) -> None:
        """Leave the last result on the screen until the user closes the window, or presses q or Escape."""
        while self._is_open(100):
            pass

    def _is_open(self, milliseconds: int) -> bool:
        """Wait so long for a key; return whether none was pressed that closes the window."""
        key = cv2.waitKey(milliseconds)
        return key & 0xFF not in _CLOSING_KEYS and cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) >= 1

    def close(self) -> None:
        """Close the window."""
        cv2.destroyAllWindows()
