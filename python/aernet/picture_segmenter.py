"""The part of a segmenter that evaluations and video files use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from aernet.arrays import HostImage
    from aernet.models import ModelCard
    from aernet.segmentation import Segmentation


class PictureSegmenter(Protocol):
    """Anything that segments one picture at a time, such as `aernet.Segmenter`."""

    @property
    def card(self) -> ModelCard:
        """The card of the model."""

    @property
    def threshold(self) -> float:
        """The probability from which on a pixel belongs to the lesion."""

    def __call__(self, frame: HostImage, /) -> Segmentation[Any]:
        """Segment one picture, uint8 BGR, H x W x 3.

        Raises:
            FrameError: the network's output has values outside [0, 1].
        """
