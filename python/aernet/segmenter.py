"""The one door: frames in, results out."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from aernet.arrays import PIXEL_FORMATS, PixelFormat, picture_size
from aernet.errors import AernetError, FrameError
from aernet.models import resolve_model
from aernet.runners import open_runner
from aernet.segmentation import Segmentation

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from types import TracebackType

    from typing_extensions import Self

    from aernet._native import DeviceArray
    from aernet.arrays import Frame, Picture
    from aernet.models import ModelCard
    from aernet.prediction import Prediction
    from aernet.runners.base import Runner
    from aernet.video import Pipeline, VideoResult
    from aernet.video.sources.base import Source


class Pending:
    """A frame under way; `Segmenter.submit` makes it."""

    def __init__(self, finish: Callable[[], Segmentation[Frame]]) -> None:
        self._finish = finish
        self._lock = threading.Lock()
        self._segmentation: Segmentation[Frame] | None = None

    def result(self) -> Segmentation[Frame]:
        """Wait for the mask; any thread may ask, and again.

        Its `latency_ms` runs from `submit` until the first that asked has it.

        Raises:
            FrameError: the network's answer is not numbers.
            AernetError: the device fails.
        """
        with self._lock:
            if self._segmentation is None:
                self._segmentation = self._finish()
            return self._segmentation


class Segmenter:
    """Finds the lesion in dermoscopic frames. Several threads may use one.

    On the CPU the network runs on as many threads as `set_num_threads` allows when the segmenter is made.

    Args:
        model: the name of a bundled model, or the path of an ONNX file as `aernet-trt export` writes it or of
            an engine as `aernet-trt build-engine` does.
        device: "cpu"; "cuda" or "cuda:1", the first or second GPU; or "auto" for the best that this machine
            has: TensorRT with the engine that was built of the model, ONNX Runtime on the GPU, the CPU. Where
            there is a GPU and "auto" does without it, it logs why, once.
        threshold: the probability from which on a pixel belongs to the lesion, in the open (0, 1); None takes
            the model's own.
        colour: what the frames are: "bgr", "rgb" or, as cameras and decoders give them, "nv12".

    Raises:
        ModelError: the model is missing, is not ONNX or is not an AER-Net model.
        EngineError: the engine that was named may not be used here.
        AernetError: there is no such device, or the threshold or colour is not one.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "aernet",
        device: str = "auto",
        threshold: float | None = None,
        *,
        colour: PixelFormat = "bgr",
    ) -> None:
        if threshold is not None and not 0 < threshold < 1:
            raise AernetError(f"threshold must be between 0 and 1, both excluded, found {threshold}")
        if colour not in PIXEL_FORMATS:
            raise AernetError(f"colour must be 'bgr', 'rgb' or 'nv12', found {colour!r}")
        runner = open_runner(resolve_model(model), device)
        self._runner: Runner | None = runner
        self.card: ModelCard = runner.card
        """What the model says of itself."""
        self.device = runner.device
        """Where it runs: "cpu", "cuda:0"."""
        self.runtime = runner.runtime
        """What runs it, with the version."""
        self.threshold = runner.card.threshold if threshold is None else float(threshold)
        """The probability from which on a pixel belongs to the lesion."""
        self.colour = colour
        """What the frames are: "bgr", "rgb" or "nv12"."""

    @property
    def size(self) -> int:
        """Side of the network's square input and output, in pixels."""
        return self.card.size

    @property
    def runner(self) -> Runner:
        """What runs the model.

        Raises:
            AernetError: the segmenter is closed.
        """
        if self._runner is None:
            raise AernetError(f"{self!r} is closed; make a new one")
        return self._runner

    def __call__(self, frame: Picture) -> Segmentation[Frame]:
        """Segment one frame.

        Args:
            frame: uint8, H x W x 3 in the segmenter's colour order, or as `preprocess` takes it; any strides.
                NV12: (H * 3 / 2) x W, the rows of chroma below those of luma, both sides even, BT.601. With
                TensorRT also what lies in the GPU's memory and has `__cuda_array_interface__` or DLPack
                (PyCUDA, CuPy, PyTorch), the pixels of a row without gaps; it is not copied, and the work on
                it that its library has under way is waited for.

        Raises:
            FrameError: the frame is not so.
            AernetError: the segmenter is closed, or its device fails.
        """
        return self.batch([frame])[0]

    def batch(self, frames: Sequence[Picture]) -> list[Segmentation[Frame]]:
        """Segment several frames, of any sizes, in one run of the network; memory grows with their number.

        On a GPU it takes as many runs as the engine's largest batch asks for. Each result's `latency_ms` is
        that of the whole batch.

        Raises:
            FrameError: a frame is not as `__call__` wants it.
            AernetError: the segmenter is closed, or its device fails.
        """
        started = time.perf_counter()
        predictions = self.runner.predict(_several(frames), self.colour)
        results = [self._segmentation(prediction, started) for prediction in predictions]
        whole = results[-1].latency_ms if results else 0.0
        return [replace(result, latency_ms=whole) for result in results]

    def submit(self, frame: Picture) -> Pending:
        """Start on a frame and return at once.

        On a GPU one frame is copied while the one before runs; on the CPU two run beside one another, each on
        half the threads: both together sooner than in turn, each by itself later. The frame must not change
        before its result is there. Two are under way at most, on a GPU of each thread: with a third, this
        waits for the first.

        Raises:
            FrameError: the frame is not as `__call__` wants it.
            AernetError: the segmenter is closed, or its device fails.
        """
        started = time.perf_counter()
        future = self.predict(frame)
        return Pending(lambda: self._segmentation(future.result()[0], started))

    def predict(self, frame: Picture) -> Future[list[Prediction]]:
        """Start on a frame as `submit` does, for its probability alone.

        Raises:
            FrameError: the frame is not as `__call__` wants it.
            AernetError: the segmenter is closed, or its device fails.
        """
        return self.runner.submit([frame], self.colour)

    def masks_on_device(self, frames: Sequence[Picture]) -> list[DeviceArray]:
        """Segment several frames as `batch` does, and leave the masks in the GPU's memory.

        Returns:
            For each frame its mask, uint8 0/255, H x W, with `__cuda_array_interface__` and DLPack. It is
            written when this returns. Whoever reads it on a stream of his own keeps it until that is over.

        Raises:
            FrameError: a frame is not as `__call__` wants it.
            AernetError: the segmenter is closed, its device fails, or it makes its masks on the host.
        """
        masks: list[DeviceArray] = []
        predictions = self.runner.predict(_several(frames), self.colour)
        for prediction in predictions:
            mask = prediction.mask(*picture_size(prediction.frame, self.colour), self.threshold)
            if isinstance(mask, np.ndarray):
                raise AernetError(
                    f"{self.runtime} on {self.device} makes masks in the host's memory; for masks on a GPU,"
                    " build an engine (aernet-trt build-engine)"
                )
            masks.append(mask)
        for prediction in predictions:
            prediction.to_host()
        return masks

    def stream(
        self,
        source: str | os.PathLike[str] | int | Source,
        *,
        on_result: Callable[[VideoResult], object] | None = None,
        smooth: bool = True,
        retry: bool = True,
    ) -> Pipeline:
        """Segment a camera, a video or what else `aernet.video.open_source` takes: `for result in stream`.

        A live source gives its newest frame and drops stale ones; of a file every frame comes, in order.

        Args:
            source: an address ("0", "rtsp://...", "test://", a file), or a `Source`.
            on_result: called with each result, from now on and on a thread of its own, instead of a loop.
            smooth: steady the outline over time.
            retry: try a live source again when it goes away, instead of raising.

        Raises:
            SourceError: the address names no source.
            AernetError: the segmenter takes other frames than BGR.
        """
        from aernet.video import Pipeline  # noqa: PLC0415 - not for those who have pictures

        pipeline = Pipeline(self, source, smooth=smooth, retry=retry)
        return pipeline if on_result is None else pipeline.call(on_result)

    def close(self) -> None:
        """Let go of the model; calls under way in other threads end well."""
        self._runner = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _segmentation(self, prediction: Prediction, started: float) -> Segmentation[Frame]:
        return Segmentation.of(
            prediction.frame, prediction, self.threshold, started, self.colour, self.card.quality
        )

    def __repr__(self) -> str:
        return f"Segmenter(model={self.card.name!r}, device={self.device!r}, runtime={self.runtime!r})"


def _several(frames: Sequence[Picture]) -> Sequence[Picture]:
    if getattr(frames, "ndim", 4) != 4:
        raise FrameError(
            "batch takes a sequence of frames, found one array; for one frame call the segmenter"
        )
    return frames
