"""The one door: frames in, results out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aernet.errors import AernetError, FrameError
from aernet.models import resolve_model
from aernet.runners import open_runner
from aernet.segmentation import Segmentation

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from types import TracebackType

    import numpy as np
    import numpy.typing as npt
    from typing_extensions import Self

    from aernet.models import ModelCard
    from aernet.runners.base import Runner


class Segmenter:
    """Finds the lesion in dermoscopic frames. Several threads may use one.

    The network runs on as many threads as `set_num_threads` allows when the segmenter is made.

    Args:
        model: the name of a bundled model, or the path of an ONNX file as `aernet-trt export` writes it.
        device: "cpu", or "auto" for the best that this machine has.
        threshold: the probability from which on a pixel belongs to the lesion, in the open (0, 1); None takes
            the model's own.
        colour: channel order of the frames, "bgr" or "rgb".

    Raises:
        ModelError: the model is missing, is not ONNX or is not an AER-Net model.
        AernetError: there is no such device, or the threshold or colour is not one.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "aernet",
        device: str = "auto",
        threshold: float | None = None,
        *,
        colour: str = "bgr",
    ) -> None:
        if threshold is not None and not 0 < threshold < 1:
            raise AernetError(f"threshold must be between 0 and 1, both excluded, found {threshold}")
        if colour not in {"bgr", "rgb"}:
            raise AernetError(f"colour must be 'bgr' or 'rgb', found {colour!r}")
        runner = open_runner(resolve_model(model), device)
        self._runner: Runner | None = runner
        self.card: ModelCard = runner.card
        """What the model says of itself."""
        self.device = runner.device
        """Where it runs: "cpu"."""
        self.runtime = runner.runtime
        """What runs it, with the version."""
        self.threshold = runner.card.threshold if threshold is None else float(threshold)
        """The probability from which on a pixel belongs to the lesion."""
        self.colour = colour
        """Channel order of the frames."""

    @property
    def size(self) -> int:
        """Side of the network's square input and output, in pixels."""
        return self.card.size

    def __call__(self, frame: npt.NDArray[np.uint8]) -> Segmentation:
        """Segment one frame.

        Args:
            frame: uint8, H x W x 3 in the segmenter's colour order, or as `preprocess` takes it; any strides.

        Raises:
            FrameError: the frame is not so.
            AernetError: the segmenter is closed.
        """
        return self.batch([frame])[0]

    def batch(self, frames: Sequence[npt.NDArray[np.uint8]]) -> list[Segmentation]:
        """Segment several frames, of any sizes, in one run of the network; memory grows with their number.

        Each result's `latency_ms` is that of the whole batch.

        Raises:
            FrameError: a frame is not as `__call__` wants it.
            AernetError: the segmenter is closed.
        """
        runner = self._runner
        if runner is None:
            raise AernetError(f"{self!r} is closed; make a new one")
        if getattr(frames, "ndim", 4) != 4:
            raise FrameError(
                "batch takes a sequence of frames, found one array; for one frame call the segmenter"
            )
        if len(frames) == 0:
            return []
        start = time.perf_counter()
        answers = runner.run(frames, self.threshold, self.colour)
        latency_ms = (time.perf_counter() - start) * 1000
        return [
            Segmentation(frame, mask, probability, self.threshold, latency_ms, self.colour, self.card.quality)
            for frame, (mask, probability) in zip(frames, answers, strict=True)
        ]

    def close(self) -> None:
        """Let go of the model; calls under way in other threads end well."""
        self._runner = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Segmenter(model={self.card.name!r}, device={self.device!r}, runtime={self.runtime!r})"
