"""What the video shows, judged by cheap measures; a state changes only after its measure has lasted."""

from __future__ import annotations

from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from aernet.nv12 import Nv12Frame
from aernet.video.motion import halve

if TYPE_CHECKING:
    from aernet.video.frame import VideoFrame

_SECONDS = (0.5, 0.3)  # how long a measure must be bad to raise a state, and good to end it
_SPEED_SECONDS = 0.2  # time constant that averages the hand's tremor away
_FOCUS_SECONDS = 0.2  # between two measurements of the focus
_FOCUS_SIDE = 512
_CONTRAST = 1.0  # levels; below it there is too little detail to judge the focus
_NOISE = 4.2  # 99.5th percentile over median of the absolute value of Gaussian noise
_EDGES = 1.1  # times the noise; detail above it counts as an edge
_SOFTEST = 10.0
_LEAST_LESION = 0.0005  # part of the frame


class State(str, Enum):
    """What the video shows; each value is the text that users see."""

    LESION = "lesion"
    NO_LESION = "no lesion"
    HOLD_STILL = "hold still"
    OUT_OF_FOCUS = "out of focus"
    GLARE = "glare"
    NOT_SKIN = "not skin"


class Switch:
    """Turns on after a value has stayed above one bound, and off after it has stayed below another.

    Args:
        on: the bound above which it turns on.
        off: the bound below which it turns off, not above `on`.
    """

    def __init__(self, on: float, off: float) -> None:
        self._bounds = (on, off)
        self._on = False
        self._since: float | None = None

    def __call__(self, value: float, now: float) -> bool:
        """Take a value and its time in seconds; return whether the switch is on."""
        contrary = value < self._bounds[1] if self._on else value > self._bounds[0]
        if not contrary:
            self._since = None
        elif self._since is None or now < self._since:
            self._since = now
        elif now - self._since >= _SECONDS[self._on]:
            self._on = not self._on
            self._since = None
        return self._on


class States:
    """Judges frame after frame; docs/video.md lists the bounds."""

    def __init__(self) -> None:
        # In order of precedence: a moving picture is blurred too, and a picture without skin has no lesion.
        self._switches = {
            State.NOT_SKIN: Switch(0.94, 0.88),
            State.GLARE: Switch(0.05, 0.03),
            State.HOLD_STILL: Switch(0.5, 0.3),
            State.OUT_OF_FOCUS: Switch(3.0, 2.8),
            State.NO_LESION: Switch(1 - _LEAST_LESION, 1 - _LEAST_LESION),
        }
        self._velocity = np.zeros(2)
        self._previous_time = 0.0
        self._focus_time = -np.inf
        self._softness = 0.0

    def __call__(
        self,
        frame: VideoFrame,
        small: npt.NDArray[np.uint8],
        motion: npt.NDArray[np.float64] | None,
        area_fraction: float,
        now: float,
    ) -> State:
        """Return the state at a frame.

        Args:
            frame: a BGR picture or NV12.
            small: the frame as `shrink` makes it.
            motion: from the previous frame to this one, in pixels of `small`; None across a cut.
            area_fraction: the part of the frame that the lesion covers, in [0, 1].
            now: the frame's time in seconds.
        """
        if not 0 <= now - self._focus_time < _FOCUS_SECONDS:
            self._focus_time = now
            self._softness = softness(frame)
        values = {
            State.NOT_SKIN: 1 - skin(small),
            State.GLARE: glare(small),
            State.HOLD_STILL: self._speed(small, motion, now),
            State.OUT_OF_FOCUS: self._softness,
            State.NO_LESION: 1 - area_fraction,
        }
        states = [state for state, switch in self._switches.items() if switch(values[state], now)]
        return states[0] if states else State.LESION

    def _speed(
        self, small: npt.NDArray[np.uint8], motion: npt.NDArray[np.float64] | None, now: float
    ) -> float:
        """Return the speed of the picture's centre without tremor, in longer sides a second."""
        seconds, self._previous_time = now - self._previous_time, now
        if motion is None or seconds <= 0:
            self._velocity[:] = 0
            return 0.0
        middle = np.array([small.shape[1] / 2, small.shape[0] / 2])
        velocity = (motion @ [*middle, 1] - middle) / max(small.shape) / seconds
        self._velocity += (velocity - self._velocity) * min(1, seconds / _SPEED_SECONDS)
        return float(np.hypot(*self._velocity))


def skin(small: npt.NDArray[np.uint8]) -> float:
    """Return the part of a BGR picture, in [0, 1], that has the warm colours of skin, blood and melanin."""
    blue, green, red = np.moveaxis(small.astype(np.int16), -1, 0)
    return float(np.mean((red > green) & (red - blue > 8) & (red > 40)))


def glare(small: npt.NDArray[np.uint8]) -> float:
    """Return the part of a BGR picture, in [0, 1], that is white in all channels."""
    return cv2.countNonZero(cv2.inRange(small, (245, 245, 245), (255, 255, 255))) / (small.size // 3)


def softness(frame: VideoFrame) -> float:
    """Return how soft the sharpest edges in the middle of a frame are; 0 where there are none.

    The picture is reduced to about 500 pixels. Its strongest detail at a scale of about 2 pixels, over that
    at 1 pixel, both without noise, is 0.7 to 1.8 in sharp dermoscopic pictures, and above 3 under a blur of 3
    pixels or more. Only the strongest detail counts because smooth skin has little even when in focus.
    """
    picture = np.asarray(frame.luma) if isinstance(frame, Nv12Frame) else frame
    height, width = picture.shape[:2]
    middle = picture[height // 8 : height - height // 8, width // 8 : width - width // 8]
    reduced = halve(middle, _FOCUS_SIDE * 3 // 2)
    gray = (reduced if reduced.ndim == 2 else cv2.cvtColor(reduced, cv2.COLOR_BGR2GRAY)).astype(np.float32)
    levels = [cv2.GaussianBlur(gray, (0, 0), sigma) for sigma in (0.8, 1.6, 3.2)]
    (noise, fine), (ground, coarse) = (
        np.percentile(cv2.absdiff(one, other)[::2, ::2], [50, 99.5]) for one, other in pairwise(levels)
    )
    if coarse < max(_CONTRAST, _EDGES * _NOISE * ground):
        return 0.0
    edges = [strongest**2 - (_NOISE * usual) ** 2 for strongest, usual in ((coarse, ground), (fine, noise))]
    return float(np.sqrt(edges[0] / max(edges[1], edges[0] / _SOFTEST**2)))
