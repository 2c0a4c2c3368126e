"""The result of segmenting one frame."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import cv2
import numpy as np

from aernet._native import preprocess
from aernet.arrays import PIXEL_FORMATS, PixelFormat, picture_size
from aernet.drawing import OUTLINE, TINT, draw_lesion, shrunk
from aernet.errors import AernetError, FrameError
from aernet.frame_pictures import bgr_picture, is_gray, is_on_host, on_host
from aernet.nv12 import Nv12Frame
from aernet.quality import COLOUR_SIZE
from aernet.regions import largest_region, outlines
from aernet.result_files import (
    CONTOURS,
    MASK,
    MEASUREMENTS,
    OVERLAY,
    contours_bytes,
    jpeg_bytes,
    png_bytes,
    row_bytes,
    write_files,
)

if TYPE_CHECKING:
    import os

    import numpy.typing as npt
    from typing_extensions import Self

    from aernet._native import DeviceArray
    from aernet.arrays import Frame, HostImage, ProbabilityMap
    from aernet.measure import Measurements
    from aernet.measure.measurements import Value
    from aernet.measure.scale import MmPerPixel
    from aernet.prediction import Prediction
    from aernet.quality import Quality
    from aernet.regions import Keep

FrameT = TypeVar("FrameT", bound="Frame")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Segmentation(Generic[FrameT]):
    """The lesion in one frame; the frame lies in the host's or in a GPU's memory.

    Raises:
        FrameError: a field does not have the type, shape or range that is stated below.
    """

    frame: FrameT
    """The frame as it was given, uint8, H x W x 3 (or H x W x 4, or H x W; NV12 (H * 3 / 2) x W); not a copy.

    `overlay` draws what it then holds: give a copy if you write to its memory again. A frame in a GPU's
    memory is a `DeviceArray` here, which `numpy.asarray` copies to the host. An `Nv12Frame` stays one; in a
    GPU's memory each of its planes is a `DeviceArray`.
    """
    mask: HostImage
    """The lesion at the frame's size, uint8, H x W: 255 inside, 0 outside."""
    probability: ProbabilityMap
    """The probability of each pixel at the network's own size, float32, S x S, in [0, 1]."""
    threshold: float
    """The least probability of a lesion pixel, between 0 and 1, both excluded."""
    latency_ms: float
    """Milliseconds from the frame's arrival to its finished mask; in a batch, those of the whole batch."""
    colour: PixelFormat = "bgr"
    """The frame's pixel format: "bgr", "rgb" or "nv12"."""
    quality: Quality | None = None
    """The calibration that predicts the quality of the mask; None if the model was not calibrated."""
    _small: npt.NDArray[np.float32] | None = field(default=None, repr=False)
    """The frame at the size of `Quality.knows`, kept because a camera may write to its memory again."""

    def __post_init__(self) -> None:
        if self.colour not in PIXEL_FORMATS:
            raise FrameError(f"colour must be 'bgr', 'rgb' or 'nv12', got {self.colour!r}")
        if isinstance(self.frame, Nv12Frame):
            if self.colour != "nv12":
                raise FrameError(f"colour must be 'nv12' for an Nv12Frame, got {self.colour!r}")
        elif self.frame.ndim not in {2, 3} or self.frame.dtype != np.uint8:
            raise FrameError(f"frame must be uint8 with 2 or 3 dimensions, got {_describe(self.frame)}")
        height, width = picture_size(self.frame, self.colour)
        if self.mask.shape != (height, width) or self.mask.dtype != np.uint8:
            raise FrameError(
                f"mask must be uint8 of the frame's size {height} x {width}, got {_describe(self.mask)}"
            )
        if self.probability.ndim != 2 or self.probability.dtype != np.float32:
            raise FrameError(
                f"probability must be float32 with 2 dimensions, got {_describe(self.probability)}"
            )
        if not 0 < self.threshold < 1:
            raise FrameError(f"threshold must be between 0 and 1, both excluded, got {self.threshold}")
        if not (math.isfinite(self.latency_ms) and self.latency_ms >= 0):
            raise FrameError(f"latency_ms must be a number of milliseconds, got {self.latency_ms}")

    @classmethod
    def of(
        cls,
        frame: FrameT,
        prediction: Prediction,
        threshold: float,
        started: float,
        colour: PixelFormat = "bgr",
        quality: Quality | None = None,
        keep: Keep = "all",
    ) -> Self:
        """Make the mask of a frame from its prediction, and wait for both.

        Args:
            frame: as in the field of that name, like threshold, colour and quality. The colour of an
                `Nv12Frame` is "nv12" whatever is given.
            prediction: the prediction for the frame, as the network gave it or smoothed over time.
            started: `time.perf_counter()` when the frame arrived.
            keep: "all" regions of the mask, or the "largest" with its holes filled.

        Raises:
            FrameError: the prediction has values outside [0, 1].
            AernetError: the device of the prediction fails.
        """
        if isinstance(frame, Nv12Frame):
            colour = "nv12"
        height, width = picture_size(frame, colour)
        queued = prediction.mask(height, width, threshold)
        small = _small_picture(frame, colour) if quality and is_on_host(frame) else None  # while a GPU works
        # Reading a mask on a GPU waits for all work queued before it, the probability map included.
        mask = np.asarray(queued)
        probability = prediction.to_host()
        if keep == "largest":
            mask = largest_region(mask)
        latency_ms = (time.perf_counter() - started) * 1000
        return cls(frame, mask, probability, threshold, latency_ms, colour, quality, small)

    def __repr__(self) -> str:
        trust = "" if self.quality is None else f"expected_dice={self.expected_dice:.3f}, "
        return (
            f"Segmentation(frame={self.frame.shape}, area_fraction={self.area_fraction:.4f}, {trust}"
            f"threshold={self.threshold:g}, latency_ms={self.latency_ms:.1f})"
        )

    @property
    def area_fraction(self) -> float:
        """The part of the frame that the lesion covers, in [0, 1]."""
        return cv2.countNonZero(self.mask) / self.mask.size

    @property
    def expected_dice(self) -> float:
        """The expected Dice of the mask with an expert's mask, in [0, 1].

        Raises:
            AernetError: the model was not calibrated.
        """
        return self._known_quality().expected_dice(self.probability, self.threshold)

    @property
    def needs_review(self) -> bool:
        """Whether a person should check the mask: its expected Dice is low, or it may be no dermoscopy.

        It is settled with the mask. Only a frame in a GPU's memory is read when this is asked, so ask before
        that memory is written to again.

        Raises:
            AernetError: the model was not calibrated.
        """
        quality = self._known_quality()
        small = _small_picture(self.frame, self.colour) if self._small is None else self._small
        return self.expected_dice < quality.least_dice or not quality.knows(small)

    def _known_quality(self) -> Quality:
        if self.quality is None:
            raise AernetError("the model was not calibrated; see `aernet-trt calibrate`")
        return self.quality

    def contours(self) -> list[npt.NDArray[np.int32]]:
        """Return the outer borders of the mask's regions, by enclosed area, the largest first.

        Each border is a closed polygon, int32, N x 2, of pixels (x, y) of the region, with (0, 0) at the top
        left; pixels inside a straight run are left out. Holes, and regions inside holes, have no border here:
        filling the polygons gives the mask with its holes closed. An empty mask gives an empty list.
        """
        return outlines(self.mask)

    def largest(self) -> Self:
        """Return this result with only the largest region (most pixels, 8-connected) left, its holes filled.

        This suits pictures of one lesion without holes, such as those of ISIC 2018, task 1.
        """
        return replace(self, mask=largest_region(self.mask))

    def overlay(self, colour: tuple[int, int, int] = OUTLINE, tint: float = TINT) -> HostImage:
        """Return the frame, uint8 BGR, H x W x 3, with the lesion lightly tinted and outlined.

        The outline's thickness follows the picture's shorter side: 1 pixel at 300, 4 at 1200.

        Args:
            colour: of outline and tint: blue, green and red, each from 0 to 255, whatever the frame's order.
            tint: the share of that colour in the lesion's pixels, in [0, 1]; 0 draws the outline alone.

        Raises:
            AernetError: colour or tint is not within its range.
        """
        picture = bgr_picture(self.frame, self.colour)
        draw_lesion(picture, self.mask, colour, tint)
        return picture

    def measure(self, mm_per_pixel: MmPerPixel | None = None) -> Measurements:
        """Measure the lesion's size, asymmetry, border and colours; no diagnosis, and no total score.

        All regions of the mask count as one lesion; `largest()` leaves one. A gray frame has no colours to
        measure.

        Args:
            mm_per_pixel: the distance of neighbouring pixels in millimetres, as `measure_mask` takes it; None
                leaves out millimetres, which are never guessed.

        Raises:
            FrameError: `mm_per_pixel` is not a finite number above 0.
        """
        from aernet.measure import measure_mask  # noqa: PLC0415 - most results are not measured

        picture = None if is_gray(self.frame, self.colour) else bgr_picture(self.frame, self.colour)
        return measure_mask(self.mask, picture, mm_per_pixel)

    def row(self, mm_per_pixel: MmPerPixel | None = None) -> dict[str, Value]:
        """Return the result as a row of a table: always the same names, and None for what is not known.

        It has the frame's size, all measurements with six digits, "expected_dice", "needs_review" and
        "threshold".

        Args:
            mm_per_pixel: as for `measure`.

        Raises:
            FrameError: `mm_per_pixel` is not a finite number above 0.
        """
        from aernet.measure.row import lesion_row  # noqa: PLC0415 - most results are not measured

        calibrated = self.quality is not None
        return lesion_row(self.mask, self.measure(mm_per_pixel)) | {
            "expected_dice": round(self.expected_dice, 4) if calibrated else None,
            "needs_review": self.needs_review if calibrated else None,
            "threshold": self.threshold,
        }

    def figure(self, mm_per_pixel: MmPerPixel | None = None) -> HostImage:
        """Return the frame with the measurements drawn over it and written beside it, uint8 BGR.

        See `draw_figure` in `aernet.measure.figure`; the lesion is not tinted.

        Args:
            mm_per_pixel: as for `measure`.

        Raises:
            FrameError: `mm_per_pixel` is not a finite number above 0.
        """
        from aernet.measure.figure import draw_figure  # noqa: PLC0415 - most results are not measured

        further = {}
        if self.quality is not None:
            further["Expected Dice"] = f"{self.expected_dice:.2f}"
            further["Needs review"] = "yes" if self.needs_review else "no"
        picture = bgr_picture(self.frame, self.colour)
        return draw_figure(picture, self.mask, self.measure(mm_per_pixel), further)

    def save(
        self, folder: str | os.PathLike[str], name: str, mm_per_pixel: MmPerPixel | None = None
    ) -> list[Path]:
        """Write mask, overlay, outlines and measurements, called as `aernet-trt segment` calls them.

        They are `NAME_mask.png`, `NAME_overlay.jpg`, `NAME_contours.json` and `NAME_measurements.json`. Each
        appears when it is complete, and replaces an earlier one.

        Args:
            folder: the folder for the files, made if needed.
            name: the start of their names, such as the picture's name without suffix.
            mm_per_pixel: as for `measure`.

        Returns:
            The paths of the files.

        Raises:
            FrameError: `mm_per_pixel` is not a finite number above 0.
            AernetError: `name` is no name of a file, or a file cannot be written.
        """
        row = self.row(mm_per_pixel)
        contents = {
            MASK: png_bytes(self.mask),
            OVERLAY: jpeg_bytes(self.overlay()),
            CONTOURS: contours_bytes(row, self.contours()),
            MEASUREMENTS: row_bytes(row),
        }
        return write_files(Path(folder), name, contents)

    def _repr_png_(self) -> bytes:
        """Return the overlay as PNG, of at most 1024 pixels a side: notebooks show it."""
        return png_bytes(shrunk(self.overlay(), 1024))


def _small_picture(frame: Frame, colour: PixelFormat) -> npt.NDArray[np.float32]:
    return preprocess(on_host(frame), COLOUR_SIZE, colour)


def _describe(array: npt.NDArray[np.generic] | DeviceArray) -> str:
    return f"{array.dtype} {' x '.join(map(str, array.shape))}"
