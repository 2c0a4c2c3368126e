"""Cameras of the operating system, through OpenCV."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.errors import SourceError
from aernet.nv12 import Nv12Frame

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.video.sources.base import Frames


_DEVICES = Path("/dev")


def present_cameras() -> list[str]:
    """Return the device files of Linux's cameras, each with its name; other systems do not tell."""
    devices = sorted(_DEVICES.glob("video*"), key=lambda device: (len(device.name), device.name))
    return [f"{device} ({_name(device)})" for device in devices]


def _name(device: Path) -> str:
    try:
        return Path("/sys/class/video4linux", device.name, "name").read_text(encoding="utf-8").strip()
    except OSError:
        return "no name"


class Camera:
    """A camera by number or, on Linux, by device file.

    Args:
        device: number or path of the camera.
        width: requested width of the frames in pixels; the camera takes its nearest mode.
        height: requested height in pixels.
        fps: requested frames a second.
    """

    live = True

    def __init__(
        self, device: int | str, width: int | None = None, height: int | None = None, fps: int | None = None
    ) -> None:
        if sys.platform == "linux" and isinstance(device, int):
            device = f"/dev/video{device}"
        self.name = f"camera {device}"
        self._device = device
        self._mode = {
            cv2.CAP_PROP_FRAME_WIDTH: width,
            cv2.CAP_PROP_FRAME_HEIGHT: height,
            cv2.CAP_PROP_FPS: fps,
        }

    def frames(self) -> Frames:
        """Yield frames as they arrive; see `Source`."""
        self._check()
        capture = cv2.VideoCapture(self._device, cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY)
        try:
            if not capture.isOpened():
                raise SourceError(
                    f"{self.name}: cannot be opened as a camera; close any program that holds it, "
                    "or plug it in again"
                )
            planes = self._asks_for_planes(capture)
            if not planes:
                # USB 2 carries at most 640 x 480 at 30 frames a second without compression.
                self._ask(capture, "MJPG")
            while True:
                arrived, captured = capture.read()
                if not arrived:
                    raise SourceError(f"{self.name}: gives no frame")
                moment = time.perf_counter()
                picture = np.asarray(captured, np.uint8)
                yield (self._nv12(picture) if planes else picture), moment
        finally:
            capture.release()

    def _ask(self, capture: cv2.VideoCapture, layout: str) -> None:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*layout))
        for setting, value in self._mode.items():
            if value is not None:
                capture.set(setting, value)

    def _asks_for_planes(self, capture: cv2.VideoCapture) -> bool:
        """Ask for NV12 if the whole mode was requested; return whether the camera gives just that."""
        if sys.platform != "linux" or None in self._mode.values():
            return False
        self._ask(capture, "NV12")
        wanted = {cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"NV12"), **self._mode}
        if any(capture.get(setting) != value for setting, value in wanted.items()):
            return False
        return bool(capture.set(cv2.CAP_PROP_CONVERT_RGB, 0))

    def _nv12(self, rows: HostImage) -> Nv12Frame:
        """Return OpenCV's rows, luma above chroma, as a frame in BT.601, V4L2's default."""
        height = rows.shape[0] * 2 // 3
        wanted = [self._mode[side] for side in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH)]
        if rows.ndim != 2 or [height, rows.shape[1]] != wanted:
            raise SourceError(
                f"{self.name}: expected {wanted[1]} x {wanted[0]} in NV12, found an array of {rows.shape}; "
                "leave out fps, and the camera is asked for another layout"
            )
        return Nv12Frame(rows[:height].copy(), rows[height:].copy())

    def _check(self) -> None:
        """Raise what OpenCV does not tell: the device is absent, or this user may not open it."""
        if not isinstance(self._device, str):
            return
        if not Path(self._device).exists():
            present = ", ".join(present_cameras()) or "none"
            raise SourceError(f"{self.name}: no such device; cameras here: {present}")
        if not os.access(self._device, os.R_OK | os.W_OK):
            raise SourceError(
                f"{self.name}: you may not open it; join the group that owns it (mostly 'video')"
            )
