"""Predictions: the probability of each pixel, from which any mask is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aernet._native import mask_from_probability
from aernet.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from aernet._native import DeviceArray
    from aernet.arrays import Frame, HostImage, Picture, PixelFormat, ProbabilityMap
    from aernet.models import ModelCard
    from aernet.regions import Keep


class Prediction(Protocol):
    """The probability map of one frame, in the host's or in a GPU's memory."""

    @property
    def frame(self) -> Frame:
        """The frame as the runner read it: a frame in a GPU's memory is a `DeviceArray` here."""
        ...

    @property
    def probability(self) -> ProbabilityMap:
        """The network's output, float32, S x S, unchecked: it may hold NaN. On a GPU this waits for it."""
        ...

    def mask(self, height: int, width: int, threshold: float) -> HostImage | DeviceArray:
        """Resize the map and apply a threshold, on the device that holds the map.

        Returns:
            uint8, height x width: 255 where the probability is at least `threshold`, else 0. On a GPU the
            work is queued; reading the mask waits for it.

        Raises:
            FrameError: the map has values outside [0, 1].
            AernetError: the device fails.
        """
        ...

    def to_host(self) -> ProbabilityMap:
        """Wait for the map and return it, float32, S x S, in [0, 1].

        Raises:
            FrameError: the map has values outside [0, 1].
            AernetError: the device fails.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class HostPrediction:
    """A prediction in the host's memory."""

    frame: Frame
    """The frame that was segmented."""
    probability: ProbabilityMap
    """The network's output, not yet checked for values outside [0, 1]."""

    def mask(self, height: int, width: int, threshold: float) -> HostImage:
        """Make a mask; see `Prediction`."""
        return mask_from_probability(self.probability, height, width, threshold)

    def to_host(self) -> ProbabilityMap:
        """Return the map; see `Prediction`."""
        low, high = self.probability.min(), self.probability.max()
        if not (low >= 0 and high <= 1):
            raise FrameError(f"probability: expected values within [0, 1], found {low} to {high}")
        return self.probability


class Predictor(Protocol):
    """The part of a segmenter that live video uses."""

    card: ModelCard
    device: str
    runtime: str
    threshold: float
    keep: Keep
    colour: PixelFormat
    frames_on: int | None

    def warm_up(self, sizes: Iterable[tuple[int, int]]) -> None:
        """Make ready for frames of these heights and widths; see `Segmenter`."""
        ...

    def submit_prediction(self, frame: Picture) -> Future[list[Prediction]]:
        """Start on a frame, which must not change before its prediction is there; see `Segmenter`."""
        ...
