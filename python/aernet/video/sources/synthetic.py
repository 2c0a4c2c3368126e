"""A synthetic dermatoscope that moves over the bundled pictures, whose lesions are known."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from aernet.errors import SourceError
from aernet.pictures import example_pictures, read_picture

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.video.sources.base import Frames

_SCENE_SECONDS = 8.0  # on one lesion, before a cut to the next
_BORDER = 0.25  # width of the mirrored border, as a part of the picture's sides
_PAN = 0.07  # amplitude, as a part of the frame's sides
_TREMOR = 0.004
_ZOOM = (1.0, 1.3)
_EXPOSURE = 0.15
_NOISE = 3.0  # standard deviation in levels
_NOISE_TILES = 8
_BLUR = 2.0  # pixels of the half-size frame
_LONGEST = 7680  # pixels


@dataclass(frozen=True, slots=True)
class View:
    """What the instrument sees at one moment, on the half-size canvas of one picture."""

    scene: int
    centre: tuple[float, float]
    size: tuple[int, int]
    gain: float
    blur: float
    """Standard deviation in canvas pixels; 0 is sharp."""


class SyntheticDermatoscope:
    """Shows the bundled pictures with pans, zooms, tremor, defocus and changes of exposure.

    The seed and the index determine a frame, which bears the word SYNTHETIC. As a source it is a live camera.

    Args:
        width: width of the frames in pixels, even, at most 7680.
        height: height of the frames, within the same limits.
        fps: frames a second.
        seed: seed of everything random.

    Raises:
        SourceError: the size is odd, or too large.
    """

    live = True

    def __init__(self, width: int = 1280, height: int = 720, fps: float = 30.0, seed: int = 0) -> None:
        if width % 2 or height % 2 or max(width, height) > _LONGEST:
            raise SourceError(
                f"test://: width and height must be even and at most {_LONGEST}, found {width} x {height}"
            )
        self.name = "test://"
        self.size = (width, height)
        self.fps = fps
        self.seed = seed
        self._half = (width // 2, height // 2)
        self._pictures = np.random.default_rng(seed).permutation(len(example_pictures()))
        noise = np.random.default_rng(seed).normal(128, _NOISE, (_NOISE_TILES, height // 2, width // 2, 3))
        self._noise = noise.astype(np.uint8)

    def frames(self) -> Frames:
        """Yield frames endlessly, `fps` a second; a frame late by a whole period delays the next ones."""
        period = 1 / self.fps
        next_time = time.perf_counter()
        for index in count():
            # Drawn only now, because the cores were busy with the previous frame until now.
            time.sleep(max(0.0, next_time - time.perf_counter()))
            picture = self.picture(index)
            yield picture, time.perf_counter()
            next_time = max(next_time, time.perf_counter() - period) + period

    def picture(self, index: int) -> HostImage:
        """Return frame `index`, uint8 BGR, height x width x 3."""
        view = self.view(index)
        crop = cv2.getRectSubPix(self._canvas(view.scene)[0], view.size, view.centre)
        width, height = view.size
        noise = self._noise[index % _NOISE_TILES, :height, :width]
        if view.blur:
            crop = cv2.GaussianBlur(crop, (0, 0), view.blur)
        crop = cv2.addWeighted(crop, view.gain, noise, 1, -128)
        frame = cv2.resize(crop, self.size, interpolation=cv2.INTER_LINEAR)
        scale = self.size[1] / 800
        place = (round(16 * scale), round(40 * scale))
        for colour, thickness in (((0, 0, 0), 4), ((255, 255, 255), 1)):
            width = max(1, round(thickness * 2 * scale))
            cv2.putText(frame, "SYNTHETIC", place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, width)
        return np.asarray(frame, np.uint8)

    def truth(self, index: int) -> HostImage:
        """Return the expert's mask of the lesion in frame `index`: uint8 0/255, height x width."""
        view = self.view(index)
        crop = cv2.getRectSubPix(self._canvas(view.scene)[1], view.size, view.centre)
        _, mask = cv2.threshold(cv2.resize(crop, self.size), 127, 255, cv2.THRESH_BINARY)
        return np.asarray(mask, np.uint8)

    def motion(self, index: int) -> npt.NDArray[np.float64] | None:
        """Return the 2 x 3 transform from the previous frame to `index`, in pixels; None across a cut."""
        before, after = self.view(index - 1), self.view(index)
        if before.scene != after.scene:
            return None
        scale, new_scale = (np.divide(view.size, self.size) for view in (before, after))
        # Where the frame's first pixel lies on the canvas; pixel centres are whole numbers.
        offset, new_offset = (
            view.centre - np.subtract(view.size, 1) / 2 + (np.divide(view.size, self.size) - 1) / 2
            for view in (before, after)
        )
        ratio, shift = scale / new_scale, (offset - new_offset) / new_scale
        return np.array([[ratio[0], 0, shift[0]], [0, ratio[1], shift[1]]])

    def view(self, index: int) -> View:
        """Return what the instrument sees at frame `index`."""
        seconds = index / self.fps
        scene = int(seconds / _SCENE_SECONDS)
        moment = seconds - scene * _SCENE_SECONDS
        hand = np.random.default_rng((self.seed, scene))
        phases = hand.uniform(0, 2 * np.pi, 8)
        shaking = np.random.default_rng((self.seed, scene, index)).normal(0, 0.25, 2)
        # The hand rests for the first half of a scene and then moves around.
        roams = np.clip((moment - _SCENE_SECONDS / 2) / 0.5, 0, 1)
        sway = np.sin(2 * np.pi * moment / hand.uniform(2.5, 4, 2) + phases[:2]) * roams
        tremor = np.sin(2 * np.pi * moment * hand.uniform(6, 10, 2) + phases[2:4]) + shaking
        zoom = _ZOOM[0] + (_ZOOM[1] - _ZOOM[0]) * (0.5 + 0.5 * np.sin(2 * np.pi * moment / 7 + phases[4]))
        canvas = self._canvas(scene)[1].shape[::-1]
        centre = np.divide(canvas, 2) - 0.5 + (_PAN * sway + _TREMOR * tremor) * self._half
        light = np.sin(2 * np.pi * moment / 3 + phases[5]) + (moment > hand.uniform(2, 6))
        defocus = np.clip(np.sin(2 * np.pi * moment / 5 + phases[6]) * 3 - 2, 0, 1)
        x, y = centre.tolist()
        width, height = np.round(np.divide(self._half, zoom)).astype(int).tolist()
        gain, blur = float(1 + _EXPOSURE * light / 2), round(float(_BLUR * defocus), 1)
        return View(scene, (x, y), (width, height), gain, blur)

    def _canvas(self, scene: int) -> tuple[HostImage, HostImage]:
        return _canvas(int(self._pictures[scene % len(self._pictures)]), self._half)


@cache
def _canvas(number: int, half: tuple[int, int]) -> tuple[HostImage, HostImage]:
    """Return a bundled picture that covers `half`, and its expert's mask, both with a mirrored border."""
    path = example_pictures()[number]
    mask_path = Path(str(files("aernet"))) / "video" / "masks" / f"{path.stem}_segmentation.png"
    picture, mask = read_picture(path), read_picture(mask_path)[:, :, 0]
    height, width = mask.shape
    scale = max(half[0] / width, half[1] / height)
    border = round(_BORDER * height * scale), round(_BORDER * width * scale)

    def fitted(array: HostImage) -> HostImage:
        resized = cv2.resize(array, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        sides = (border[0], border[0], border[1], border[1])
        return np.asarray(cv2.copyMakeBorder(resized, *sides, cv2.BORDER_REFLECT_101), np.uint8)

    return fitted(picture), fitted(mask)
