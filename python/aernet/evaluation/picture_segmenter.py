"""What an evaluation needs of a segmenter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from aernet.models import ModelCard
    from aernet.segmentation import Segmentation


class PictureSegmenter(Protocol):
    """Anything that segments one picture at a time, such as `aernet.Segmenter`."""

    @property
    def card(self) -> ModelCard:
        """What the model says of itself."""

    @property
    def threshold(self) -> float:
        """The probability from which on a pixel belongs to the lesion."""

    def __call__(self, frame: npt.NDArray[np.uint8], /) -> Segmentation:
        """Segment one picture, uint8 BGR, H x W x 3.

        Raises:
            FrameError: the model gives no probabilities for it.
        """
