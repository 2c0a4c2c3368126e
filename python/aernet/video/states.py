"""What to tell whoever holds the instrument: from cheap measures, and never in haste."""

from __future__ import annotations

from enum import Enum
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from aernet.video.motion import halve

_SECONDS = (0.5, 0.3)  # that a measure must be bad to raise a state, and good to end it
_SPEED_SECONDS = 0.2  # over which a hand's tremor is averaged away
_FOCUS_SECONDS = 0.2  # between two looks at the focus
_FOCUS_SIDE = 512
_CONTRAST = 1.0  # levels; with less there is nothing to be in focus
_NOISE = 4.2  # 99.5th percentile over median, of the size of Gaussian noise
_EDGES = 1.1  # times the noise, to be edges
_SOFTEST = 10.0
_LEAST_LESION = 0.0005  # of the frame


class State(str, Enum):
    """What the video shows; the value is in words."""

    LESION = "lesion"
    NO_LESION = "no lesion"
    HOLD_STILL = "hold still"
    OUT_OF_FOCUS = "out of focus"
    GLARE = "glare"
    NOT_SKIN = "not skin"


class Switch:
    """On when a value has been above one bound for a while, off when it has been below another for a while.

    Args:
        on: the bound to be above.
        off: the bound to be below, not above `on`.
    """

    def __init__(self, on: float, off: float) -> None:
        self._bounds = (on, off)
        self._on = False
        self._since: float | None = None

    def __call__(self, value: float, now: float) -> bool:
        """Take a value at a time in seconds; tell whether it is on."""
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
    """Judges frame after frame. The bounds are those of docs/video.md."""

    def __init__(self) -> None:
        # In the order in which they matter: what is moving is blurred too, and what is no skin has no lesion.
        self._switches = {
            State.NOT_SKIN: Switch(0.94, 0.88),
            State.GLARE: Switch(0.05, 0.03),
            State.HOLD_STILL: Switch(0.5, 0.3),
            State.OUT_OF_FOCUS: Switch(3.0, 2.8),
            State.NO_LESION: Switch(1 - _LEAST_LESION, 1 - _LEAST_LESION),
        }
        self._velocity = np.zeros(2)
        self._before = 0.0
        self._looked = -np.inf
        self._softness = 0.0

    def __call__(
        self,
        picture: npt.NDArray[np.uint8],
        small: npt.NDArray[np.uint8],
        motion: npt.NDArray[np.float64] | None,
        area_fraction: float,
        now: float,
    ) -> State:
        """Return the state at a frame.

        Args:
            picture: the frame, uint8 BGR.
            small: the same as `shrink` makes it.
            motion: from the frame before to this one, in pixels of `small`; None across a cut.
            area_fraction: the part of the frame that is lesion.
            now: the frame's time in seconds.
        """
        if not 0 <= now - self._looked < _FOCUS_SECONDS:
            self._looked = now
            self._softness = softness(picture)
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
        """Return how fast the picture's middle moves, in longer sides a second, without the hand's tremor."""
        seconds, self._before = now - self._before, now
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


def softness(picture: npt.NDArray[np.uint8]) -> float:
    """Return how soft the sharpest edges in the middle of a BGR picture are; 0 where there are none.

    The strongest detail at a scale of about 2 pixels over that at 1 pixel, the noise taken off both, in the
    picture at half a thousand pixels: 0.7 to 1.8 in sharp dermoscopic pictures, above 3 from a blur of 3
    pixels on. A ratio of the strongest, because smooth skin has little detail and is in focus all the same.
    """
    height, width = picture.shape[:2]
    middle = picture[height // 8 : height - height // 8, width // 8 : width - width // 8]
    gray = cv2.cvtColor(halve(middle, _FOCUS_SIDE * 3 // 2), cv2.COLOR_BGR2GRAY).astype(np.float32)
    levels = [cv2.GaussianBlur(gray, (0, 0), sigma) for sigma in (0.8, 1.6, 3.2)]
    (noise, fine), (ground, coarse) = (
        np.percentile(cv2.absdiff(one, other)[::2, ::2], [50, 99.5]) for one, other in pairwise(levels)
    )
    if coarse < max(_CONTRAST, _EDGES * _NOISE * ground):
        return 0.0
    edges = [strongest**2 - (_NOISE * usual) ** 2 for strongest, usual in ((coarse, ground), (fine, noise))]
    return float(np.sqrt(edges[0] / max(edges[1], edges[0] / _SOFTEST**2)))
