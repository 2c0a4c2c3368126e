"""The segmenter, which turns frames into masks."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from numbers import Real
from operator import index
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import numpy as np

from aernet.arrays import PIXEL_FORMATS, PixelFormat, picture_size
from aernet.borders import BORDERS, BorderName
from aernet.errors import AernetError, FrameError
from aernet.forks import tell_of_forks
from aernet.frames import as_frame
from aernet.models import bundled_models, resolve_model
from aernet.regions import KEEPS, Keep
from aernet.runners.choice import open_runner
from aernet.runners.latest import latest_runner
from aernet.segmentation import Segmentation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from aernet._native import DeviceArray
    from aernet.arrays import AnyPicture, Frame, Picture
    from aernet.models import ModelCard
    from aernet.prediction import Prediction
    from aernet.runners.base import Runner
    from aernet.video import Pipeline, VideoResult
    from aernet.video.sources import AnySource

_Absent: TypeAlias = Literal["closed", "unopened", "forked"]
"""Why a segmenter has no runner: it is closed, comes from another process, or was there before a fork."""


class Pending:
    """The future result of a frame that was given to `Segmenter.submit`."""

    def __init__(self, finish: Callable[[], Segmentation[Frame]]) -> None:
        self._finish = finish
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._segmentation: Segmentation[Frame] | None = None

    def result(self) -> Segmentation[Frame]:
        """Wait for the result and return it; any thread may call this, more than once.

        Its `latency_ms` runs from `submit` to the end of the first call.

        Raises:
            FrameError: the network's output has values outside [0, 1].
            AernetError: the device fails, or the process was forked meanwhile.
        """
        if self._process != os.getpid():
            raise AernetError("a frame that was submitted before a fork has its result in the parent process")
        with self._lock:
            if self._segmentation is None:
                self._segmentation = self._finish()
            return self._segmentation


class Segmenter:
    """Finds the lesion in dermoscopic frames. Several threads may share one segmenter.

    On the CPU the network runs on as many threads as `set_num_threads` allows when the segmenter is made.

    A segmenter pickles, and a process that is sent one loads the model when it first uses it. So does a
    forked process with a segmenter of its parent on the processor; one on a GPU does not survive a fork.

    Args:
        model: the name of a bundled model, or the path of an ONNX file from `aernet-trt export` or of an
            engine from `aernet-trt build-engine`.
        device: "cpu"; "cuda" or "cuda:1", the first or second GPU; "openvino", "openvino:gpu", "coreml" or
            "directml", where ONNX Runtime has that provider; or "auto", the best of an NVIDIA GPU and the
            CPU: TensorRT with an engine built from the model, ONNX Runtime on the GPU, or the CPU. "auto"
            logs once why it does not use a GPU that is there.
        threshold: the least probability of a lesion pixel, between 0 and 1, both excluded; None takes that of
            the border.
        border: how wide to draw: "isic", as the experts of ISIC do on the whole, with the model's own
            threshold; "tight" or "wide", as the card of the model states them. None is "isic". Not together
            with a threshold.
        keep: "all" regions of a mask, or the "largest" with its holes filled, for pictures of one lesion.
        colour: the pixel format of the frames: "bgr", "rgb" or, as cameras and decoders give them, "nv12". An
            `Nv12Frame` is taken as what it is.

    Raises:
        ModelError: the model is missing, is not ONNX, is not an AER-Net model or does not state the border.
        EngineError: the named engine may not be used on this machine.
        AernetError: the device does not exist, or the threshold, border, keep or colour is invalid.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "aernet",
        device: str = "auto",
        threshold: float | None = None,
        *,
        border: BorderName | None = None,
        keep: Keep = "all",
        colour: PixelFormat = "bgr",
    ) -> None:
        if threshold is not None and not _is_threshold(threshold):
            raise AernetError(f"threshold must be between 0 and 1, both excluded, found {threshold!r}")
        if border is not None and border not in BORDERS:
            raise AernetError(f"border must be 'isic', 'tight' or 'wide', found {border!r}")
        if border is not None and threshold is not None:
            raise AernetError(
                f"border {border!r} and threshold {threshold:g} both say how wide to draw; give one of them"
            )
        if keep not in KEEPS:
            raise AernetError(f"keep must be 'largest' or 'all', found {keep!r}")
        if colour not in PIXEL_FORMATS:
            raise AernetError(f"colour must be 'bgr', 'rgb' or 'nv12', found {colour!r}")
        path = resolve_model(model)
        runner = open_runner(path, device)
        self._model: str | Path = path.absolute()
        self._asked_device = device
        self._runner: Runner | None = runner
        self._absent: _Absent = "closed"
        self._opening = threading.Lock()
        tell_of_forks(self, Segmenter._after_fork)
        self.card: ModelCard = runner.card
        """The card of the model: its name, version, size, licence and metrics."""
        self.device = runner.device
        """The device that runs the model: "cpu", "cuda:0", "openvino"."""
        self.runtime = runner.runtime
        """The runtime that runs the model, with its version."""
        self.frames_on: int | None = runner.frames_on
        """The number of the GPU in whose memory frames may lie; None if they must lie in the host's."""
        level = runner.card.level(border or "isic") if threshold is None else float(threshold)
        self.threshold = level
        """The least probability of a lesion pixel."""
        self.keep = keep
        """The regions that a mask has: "all", or the "largest" with its holes filled."""
        self.colour = colour
        """The pixel format of the frames: "bgr", "rgb" or "nv12"."""

    @property
    def size(self) -> int:
        """Side of the network's square input and output, in pixels."""
        return self.card.size

    @property
    def runner(self) -> Runner:
        """The runner that runs the model.

        Raises:
            AernetError: the segmenter is closed, or was on a GPU before a fork; or the model cannot be loaded
                in this process.
        """
        return self._runner or self._open()

    def _open(self) -> Runner:
        """Open the model of a segmenter that was made in another process."""
        with self._opening:
            if self._runner is not None:
                return self._runner
            if self._absent == "closed":
                raise AernetError(f"{self!r} is closed; make a new one")
            if self._absent == "forked" and self.device not in ("cpu", "openvino"):
                raise AernetError(
                    f"{self!r} was made before a fork, which no GPU survives; make one in the new process, or"
                    " start that by 'spawn'"
                )
            device = self.device if self._absent == "forked" else self._asked_device
            runner = latest_runner.open(resolve_model(self._model), device)
            self.card, self.device, self.runtime = runner.card, runner.device, runner.runtime
            self._runner, self._absent = runner, "closed"
            return runner

    def _after_fork(self) -> None:
        """Leave the runner to the parent process."""
        self._opening = threading.Lock()
        if self._runner is not None:
            self._runner, self._absent = None, "forked"

    def __getstate__(self) -> dict[str, Any]:
        if self._runner is None and self._absent == "closed":
            raise AernetError(f"{self!r} is closed; make a new one")
        # A bundled model may lie elsewhere in the other process.
        names: dict[str | Path, str] = {path: name for name, path in bundled_models().items()}
        model = names.get(self._model, self._model)
        state = vars(self) | {"_model": model, "_runner": None, "_absent": "unopened"}
        del state["_opening"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _opening=threading.Lock())
        tell_of_forks(self, Segmenter._after_fork)

    def __call__(self, frame: AnyPicture) -> Segmentation[Frame]:
        """Segment one frame.

        Args:
            frame: uint8, H x W x 3 in the segmenter's pixel format, H x W x 4 or H x W, with any strides: a
                NumPy array, or what has `__array__` or DLPack in the host's memory, such as a tensor of
                PyTorch. Or the path of a picture, or a PIL image, whatever the order of its channels: it is
                turned as its EXIF orientation says, becomes sRGB by its ICC profile, and white lies behind
                what is transparent.
                NV12: (H * 3 / 2) x W, both sides even, the rows of chroma below those of luma, BT.601. Or
                an `Nv12Frame`, whatever the segmenter's pixel format: two planes with their matrix and
                range. With TensorRT also an array in the GPU's memory that has `__cuda_array_interface__` or
                DLPack (PyCUDA, CuPy, PyTorch), the pixels of a row without gaps, or an `Nv12Frame` of two;
                the array is not copied, and work that its library has queued on it is waited for.

        Raises:
            FrameError: the frame is not uint8, has another shape, or lies where the device cannot read it.
            SourceError: a file cannot be read, or is no picture.
            AernetError: the segmenter is closed, or its device fails.
        """
        started = time.perf_counter()
        (prediction,) = self.runner.predict([as_frame(frame, self.colour)], self.colour)
        return self._segmentation(prediction, started)

    def batch(self, frames: Iterable[AnyPicture]) -> list[Segmentation[Frame]]:
        """Segment several frames of any sizes in one run of the network; memory grows with their number.

        On a GPU, frames beyond the engine's largest batch take further runs. Each result's `latency_ms` is
        that of the whole call.

        Raises:
            FrameError: a frame breaks the contract of `__call__`.
            SourceError: a file cannot be read, or is no picture.
            AernetError: the segmenter is closed, or its device fails.
        """
        started = time.perf_counter()
        runner = self.runner
        predictions = runner.predict(self._listed(frames), self.colour)
        results = [self._segmentation(prediction, started) for prediction in predictions]
        whole = results[-1].latency_ms if results else 0.0
        return [replace(result, latency_ms=whole) for result in results]

    def submit(self, frame: AnyPicture) -> Pending:
        """Start on a frame and return at once.

        On a GPU one frame is copied while the previous one runs. On the CPU two frames run side by side on
        half of the threads each: each takes longer, but the two together take less time. The frame must not
        change before its result is ready. At most two frames are in flight, on the CPU with one thread only
        one; a further call waits for the first.

        Raises:
            FrameError: the frame breaks the contract of `__call__`.
            SourceError: a file cannot be read, or is no picture.
            AernetError: the segmenter is closed, or its device fails.
        """
        started = time.perf_counter()
        future = self.submit_prediction(frame)
        return Pending(lambda: self._segmentation(future.result()[0], started))

    def submit_prediction(self, frame: AnyPicture) -> Future[list[Prediction]]:
        """Start on a frame as `submit` does, but compute only its probability map.

        Raises:
            FrameError: the frame breaks the contract of `__call__`.
            SourceError: a file cannot be read, or is no picture.
            AernetError: the segmenter is closed, or its device fails.
        """
        return self.runner.submit([as_frame(frame, self.colour)], self.colour)

    def warm_up(self, sizes: Iterable[tuple[int, int]]) -> None:
        """Segment blank frames, so that the first real ones take no longer than the others.

        Then buffers are allocated for frames of these sizes, and on a GPU kernels are loaded and graphs
        captured, for two frames under way.

        Args:
            sizes: height and width of frames, in pixels, 1 to 16384; for NV12 the picture's, both even.

        Raises:
            FrameError: a size is not as above, or the network's output has values outside [0, 1].
            AernetError: the segmenter is closed, or its device fails.
        """
        for size in sizes:
            height, width = _checked_size(size, self.colour)
            shape = (height * 3 // 2, width) if self.colour == "nv12" else (height, width, 3)
            for prediction in self.runner.warm_up(np.zeros(shape, np.uint8), self.colour):
                np.asarray(prediction.mask(height, width, self.threshold))
                prediction.to_host()

    def masks_on_device(self, frames: Iterable[AnyPicture]) -> list[DeviceArray]:
        """Segment several frames as `batch` does, and leave the masks in the GPU's memory.

        Returns:
            The mask of each frame, uint8 0/255, H x W, with `__cuda_array_interface__` and DLPack, complete
            when this returns. If you read a mask on a stream of your own, keep it until that work has ended.

        Raises:
            FrameError: a frame breaks the contract of `__call__`.
            SourceError: a file cannot be read, or is no picture.
            AernetError: the segmenter is closed, its device fails, or it makes masks in the host's memory, as
                with `keep` "largest".
        """
        if self.keep == "largest":
            raise AernetError(
                "keep='largest' looks for the regions of a mask in the host's memory; for masks on a GPU,"
                " make the segmenter with keep='all'"
            )
        runner = self.runner
        if not runner.masks_on_device:
            raise AernetError(
                f"{self.runtime} on {self.device} makes masks in the host's memory; for masks on a GPU,"
                " build an engine (aernet-trt build-engine)"
            )
        predictions = runner.predict(self._listed(frames), self.colour)
        masks = [
            cast("DeviceArray", one.mask(*picture_size(one.frame, self.colour), self.threshold))
            for one in predictions
        ]
        for prediction, mask in zip(predictions, masks, strict=True):
            prediction.to_host()
            mask.wait()
        return masks

    def stream(
        self,
        source: AnySource,
        *,
        on_result: Callable[[VideoResult], object] | None = None,
        smooth: bool = True,
        retry: bool = True,
    ) -> Pipeline:
        """Segment a camera, a video or another source of frames: `for result in stream`.

        From a live source the stream takes the newest frame and drops older ones; from a file it takes all.

        Args:
            source: an address ("0", "rtsp://...", "test://", a file; see `aernet.video.open_source`); a
                `cv2.VideoCapture` that is open, which stays so; an iterable of frames in BGR, as the
                segmenter takes them, or of pairs of a frame and its time in seconds, of which the stream
                takes all; or a `Source`.
            on_result: a function to call with each result, from now on and on its own thread.
            smooth: whether to smooth the outline over time.
            retry: whether to open a live source again when it goes away, instead of raising; not a capture.

        Raises:
            SourceError: it is no source, or names none, or the capture is not open.
            AernetError: the segmenter takes frames other than BGR.
        """
        from aernet.video import Pipeline  # noqa: PLC0415 - only live video needs it

        pipeline = Pipeline(self, source, smooth=smooth, retry=retry)
        return pipeline if on_result is None else pipeline.call(on_result)

    def close(self) -> None:
        """Release the model; calls in progress in other threads still finish.

        A process that was sent the segmenter by another, such as one of a pool, keeps the model until it is
        sent another one: the next task will bring the same again.
        """
        self._runner, self._absent = None, "closed"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _segmentation(self, prediction: Prediction, started: float) -> Segmentation[Frame]:
        return Segmentation.of(
            prediction.frame, prediction, self.threshold, started, self.colour, self.card.quality, self.keep
        )

    def _listed(self, frames: Iterable[AnyPicture]) -> list[Picture]:
        try:
            several = iter(frames)
        except TypeError:
            several = None
        if several is None or isinstance(frames, (str, bytes)) or getattr(frames, "ndim", 4) != 4:
            raise FrameError(
                f"batch takes several frames, found one {type(frames).__name__}; for one frame call the"
                " segmenter, for a video use `stream`"
            )
        listed: list[Picture] = []
        for frame in several:
            try:
                listed.append(as_frame(frame, self.colour))
            except FrameError as error:  # noqa: PERF203 - it must tell which frame
                raise FrameError(f"frames[{len(listed)}]: {error}") from None
        return listed

    def __repr__(self) -> str:
        return f"Segmenter(model={self.card.name!r}, device={self.device!r}, runtime={self.runtime!r})"


def _checked_size(size: tuple[int, int], colour: PixelFormat) -> tuple[int, int]:
    """Return a frame's height and width; FrameError if they are none."""
    try:
        height, width = (index(side) for side in size)
    except (TypeError, ValueError):
        raise FrameError(
            f"warm_up: expected pairs of a height and a width in pixels, such as [(480, 640)], found {size!r}"
        ) from None
    even = colour == "nv12"
    if not 1 <= min(height, width) <= max(height, width) <= 16384 or (even and (height % 2 or width % 2)):
        kind = "even sides of 2 to 16384" if even else "sides of 1 to 16384"
        raise FrameError(f"warm_up: expected {kind}, found {height} x {width}")
    return height, width


def _is_threshold(value: object) -> bool:
    return isinstance(value, Real) and 0 < float(value) < 1
