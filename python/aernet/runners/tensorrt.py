"""TensorRT and TensorRT-RTX: the frame is prepared, run and cut into a mask on the GPU.

The extension owns streams and memory. TensorRT is called from Python to load an engine and to put one run of
it on a stream; that is captured as a CUDA graph, and from then on a run is one launch.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from aernet import _native
from aernet.engine.adapter import installed_runtimes, open_runtime
from aernet.engine.agreement import Agreement
from aernet.engine.compatibility import Machine, rebuild_command, require_compatible
from aernet.engine.gpu import Gpu
from aernet.engine.manifest import record_verification
from aernet.errors import AernetError, EngineError, FrameError
from aernet.pictures import read_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from aernet._native import DeviceArray, Graph
    from aernet.engine.loaded import ExecutionContext, LoadedEngine
    from aernet.engine.manifest import Manifest
    from aernet.runners.base import Answer, Frame, Runner

    Engine = Graph | Callable[[int], None]
    RawAnswer = tuple[Any, npt.NDArray[np.floating[Any]]]  # the mask is on the host or on the device

_log = logging.getLogger(__name__)

_NAMES = {"tensorrt": "TensorRT", "tensorrt-rtx": "TensorRT-RTX"}
_STEPS = ("copy in", "preprocess", "engine", "mask", "copy out")
_UNDER_WAY = 2  # frames of one thread: one is copied while the other runs
_BATCHES = 4  # sizes of batch that a lane keeps ready
_ROUNDING = 1e-3  # what a GPU's sigmoid may lie outside [0, 1], in float16 too


class TensorRtRunner:
    """An engine on a GPU.

    Args:
        engine: NAME.engine, with NAME.engine.json beside it.
        index: of the GPU.
        model: the ONNX file that the engine must have been built from; None takes any.
        graphs: False lets TensorRT queue each run instead of capturing one.

    Raises:
        EngineError: the engine may not be used here.
        AernetError: there is no such GPU, or its memory does not suffice.
    """

    def __init__(
        self, engine: Path, index: int = 0, *, model: Path | None = None, graphs: bool = True
    ) -> None:
        if _native.cuda_version is None:
            raise EngineError(
                f"{engine}: this aernet was built without CUDA; install nvcc, and then aernet again"
            )
        device = _native.Device(index)
        gpu = Gpu(device.name, "{}.{}".format(*device.compute_capability))
        self.engine = engine
        self.manifest = require_compatible(engine, Machine(installed_runtimes(), gpu), model)
        adapter = open_runtime(self.manifest.runtime)
        self.card = self.manifest.card
        self.device = f"cuda:{index}"
        self.runtime = f"{_NAMES[adapter.name]} {adapter.version}"
        with device:
            loaded = adapter.load(engine.read_bytes())
        _check_tensors(engine, loaded, self.manifest)
        self._gpu = device
        self._make_lane = partial(
            _Lane, device, loaded, self.card.size, self.manifest.batch, threading.Lock(), graphs=graphs
        )
        # As many lanes are made as are needed at once; the first frame finds one.
        self._idle = [self._make_lane()]
        self._idle[0].engine(1)
        self._own = threading.local()

    def accept(self, frame: object) -> Frame:
        """Take a picture in this GPU's memory; see `Runner`."""
        return self._gpu.wrap(frame)

    def run(self, frames: Sequence[Frame], threshold: float, colour: str) -> list[Answer]:
        """Run the frames in batches as large as the engine takes; see `Runner`."""
        return [_checked(answer) for answer in self.raw_answers(frames, threshold, colour)]

    def raw_answers(
        self, frames: Sequence[Frame], threshold: float, colour: str, *, on_device: bool = False
    ) -> list[RawAnswer]:
        """Return masks and probabilities as the engine makes them, numbers or not.

        Batch follows batch; the next is started before the answers of the last are awaited.
        """
        answers: list[RawAnswer] = []
        jobs: deque[_Job] = deque()
        most = self.manifest.batch[2]
        for start in range(0, len(frames), most):
            first = start if len(frames) > 1 else None
            jobs.append(
                self._start(frames[start : start + most], threshold, colour, first, on_device=on_device)
            )
            if len(jobs) == _UNDER_WAY:
                answers += jobs.popleft().raw()
        for job in jobs:
            answers += job.raw()
        return answers

    def masks_on_device(self, frames: Sequence[Frame], threshold: float, colour: str) -> list[DeviceArray]:
        """Leave the masks where they are made; see `Runner`."""
        answers = self.raw_answers(frames, threshold, colour, on_device=True)
        for answer in answers:
            _checked(answer)
        return [mask for mask, _ in answers]

    def submit(self, frame: Frame, threshold: float, colour: str) -> _Job:
        """Start on a frame; see `Runner`."""
        under_way: deque[_Job] = self._own.__dict__.setdefault("under_way", deque())
        while len(under_way) >= _UNDER_WAY:
            under_way.popleft().finish()
        job = self._start([frame], threshold, colour)
        under_way.append(job)
        return job

    def times(self, frame: npt.NDArray[np.uint8]) -> Mapping[str, float]:
        """Time the steps, on the GPU; see `Runner`."""
        lane = self._timed_lane
        lane.start([frame], self.card.threshold, "bgr")
        lane.native.wait()
        return dict(zip(_STEPS, lane.native.times(), strict=True))

    def floor(self, frame: npt.NDArray[np.uint8]) -> Mapping[str, float]:
        """Time one run of the engine, and plain copies of the frame in and of a mask out; see `Runner`."""
        lane = self._timed_lane
        start = time.perf_counter()
        lane.native.run(lane.engine(1))
        lane.native.wait()
        engine = time.perf_counter() - start
        # Written once before, as new memory takes longer.
        memory, mask = self._gpu.allocate(frame.nbytes), np.ones(frame.shape[:2], np.uint8)
        start = time.perf_counter()
        memory.copy_from(frame)
        memory.copy_to(mask)
        copies = time.perf_counter() - start
        return {"engine": engine * 1000, "plain copies": copies * 1000}

    @cached_property
    def _timed_lane(self) -> _Lane:
        return self._make_lane(timed=True)

    def _start(
        self,
        frames: Sequence[Frame],
        threshold: float,
        colour: str,
        first: int | None = None,
        *,
        on_device: bool = False,
    ) -> _Job:
        try:
            lane = self._idle.pop()
        except IndexError:
            lane = self._make_lane()
        try:
            lane.start(frames, threshold, colour, first, on_device=on_device)
        except BaseException:
            lane.native.wait()
            self._idle.append(lane)
            raise
        return _Job(lane, self._idle)


class _Lane:
    """A way through the GPU for one batch at a time, with the engine made ready for it."""

    def __init__(
        self,
        gpu: _native.Device,
        loaded: LoadedEngine,
        size: int,
        batch: tuple[int, int, int],
        lock: threading.Lock,
        *,
        graphs: bool,
        timed: bool = False,
    ) -> None:
        (_, image), (_, probability) = loaded.inputs["image"], loaded.outputs["probability"]
        self.native = _native.Lane(gpu, size, batch[2], image.name, probability.name, timed=timed)
        self._gpu, self._loaded, self._least, self._lock, self._graphs = gpu, loaded, batch[0], lock, graphs
        self._memory: _native.DeviceMemory | None = None
        self._engines: OrderedDict[int, tuple[ExecutionContext, Engine]] = OrderedDict()

    def start(
        self,
        frames: Sequence[Frame],
        threshold: float,
        colour: str,
        first: int | None = None,
        *,
        on_device: bool = False,
    ) -> None:
        """Queue a batch; errors count its frames from `first` on."""
        engine = self.engine(len(frames))
        index = 0
        try:
            for index, frame in enumerate(frames, first or 0):  # noqa: B007 - for errors
                self.native.put(frame, colour)
        except FrameError as error:
            if first is None:
                raise
            raise FrameError(f"frames[{index}]: {error}") from None
        self.native.run(engine)
        self.native.take(threshold, on_device)

    def engine(self, count: int) -> Engine:
        """Return the engine for so many frames: captured, or where that cannot be, to be queued each time."""
        count = max(count, self._least)
        if count not in self._engines:
            while len(self._engines) >= _BATCHES:
                self._engines.popitem(last=False)
            with self._gpu, self._lock:
                self._engines[count] = self._prepare(count)
        self._engines.move_to_end(count)
        return self._engines[count][1]

    def _prepare(self, count: int) -> tuple[ExecutionContext, Engine]:
        lane = self.native
        context = self._loaded.context()
        if self._memory is None:  # the contexts of one lane never run at once
            self._memory = self._gpu.allocate(context.device_memory_bytes)
        context.bind_memory(self._memory.pointer)
        context.bind("image", lane.image)
        context.bind("probability", lane.probability)
        context.set_batch(count)
        # TensorRT settles at the first run what may not be settled while capturing.
        context.enqueue(lane.stream)
        lane.wait()
        if self._graphs and context.is_capturable(lane.stream):
            try:
                return context, lane.capture(context.enqueue)
            except AernetError as error:
                _log.info("the engine is queued anew for each frame: %s", error)
        return context, context.enqueue


class _Job:
    """A batch under way; its lane is free again when it has ended."""

    def __init__(self, lane: _Lane, idle: list[_Lane]) -> None:
        self._lane: _Lane | None = lane
        self._idle = idle
        self._answers: list[RawAnswer] = []
        self._error: AernetError | None = None
        self._lock = threading.Lock()

    def finish(self) -> None:
        """Wait for the answers and keep them."""
        with self._lock:
            lane, self._lane = self._lane, None
            if lane is None:
                return
            try:
                self._answers = lane.native.wait()
            except AernetError as error:  # the lane is not used again
                self._error = error
            else:
                self._idle.append(lane)

    def raw(self) -> list[RawAnswer]:
        """Return the answers as the lane gives them."""
        self.finish()
        if self._error:
            raise self._error
        return self._answers

    def result(self) -> list[Answer]:
        """Wait for the answers; see `base.Job`."""
        return [_checked(answer) for answer in self.raw()]

    def __del__(self) -> None:
        self.finish()  # a lane must not be let go of while it works


def verify(runner: TensorRtRunner, reference: Runner, pictures: Iterable[Path]) -> Agreement:
    """Compare an engine with its model, and note the result in its manifest.

    Masks are compared at the pictures' own size and the reference's threshold.

    Raises:
        EngineError: it does not give what the model gives.
        SourceError: a picture cannot be read.
        AernetError: the device fails.
    """
    threshold = reference.card.threshold

    def answers() -> Iterator[tuple[Answer, RawAnswer]]:
        for picture in pictures:
            frames = [read_picture(picture)]
            (expected,) = reference.run(frames, threshold, "bgr")
            (found,) = runner.raw_answers(frames, threshold, "bgr")
            yield expected, found

    verification = Agreement.of(f"{runner.runtime} on {runner.device}", answers())
    try:
        record_verification(runner.engine, verification)
    except AernetError as error:  # such as a folder that may not be written to
        _log.warning("%s; %s is compared with its model each time", error, runner.engine)
    as_fp32 = rebuild_command(runner.engine, runner.manifest, precision="fp32")
    verification.require(str(runner.engine), f"build it in fp32: {as_fp32}")
    return verification


def _check_tensors(engine: Path, loaded: LoadedEngine, manifest: Manifest) -> None:
    """See that the engine reads and writes what the manifest says; memory is set aside by that."""
    size = manifest.card.size
    tensors = loaded.inputs | loaded.outputs
    found = {name: shape[1:] for name, (shape, _) in tensors.items()}
    if found != {"image": (3, size, size), "probability": (1, size, size)}:
        raise EngineError(
            f"{engine}: its manifest speaks of image and probability of {size} x {size}, the engine has"
            f" {found}; build it again: {rebuild_command(engine, manifest)}"
        )


def _checked(answer: RawAnswer) -> Answer:
    mask, probability = answer
    low, high = probability.min(), probability.max()
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):
        raise FrameError(
            f"probability: expected values within [0, 1], found {low} to {high};"
            " 'aernet-trt verify' compares the engine with its model"
        )
    if low < 0 or high > 1:
        np.clip(probability, 0, 1, out=probability)
    return mask, probability.astype(np.float32, copy=False)
