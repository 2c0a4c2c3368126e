"""TensorRT and TensorRT-RTX: from the frame to its prediction on the GPU.

The extension owns streams and memory. TensorRT is called from Python to load an engine and to put one run of
it on a stream; that is captured as a CUDA graph, and from then on a run is one launch.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from aernet import _native
from aernet.engine.adapter import installed_runtimes, open_runtime
from aernet.engine.compatibility import Machine, rebuild_command, require_compatible
from aernet.engine.gpu import find_gpu
from aernet.engine.ownership import changeable_by_others
from aernet.errors import AernetError, EngineError
from aernet.runners.lane import FRAME_BUFFERS, EngineLane
from aernet.runners.warn_once import warn_once

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aernet.arrays import Picture, PixelFormat
    from aernet.engine.loaded import LoadedEngine
    from aernet.engine.manifest import Manifest
    from aernet.prediction import Prediction

_NAMES = {"tensorrt": "TensorRT", "tensorrt-rtx": "TensorRT-RTX"}
_LANES = 2  # one batch is copied while the other runs


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

    masks_on_device = True

    def __init__(
        self, engine: Path, index: int = 0, *, model: Path | None = None, graphs: bool = True
    ) -> None:
        if _native.cuda_version is None:
            raise EngineError(
                f"{engine}: this aernet was built without CUDA; 'aernet-trt doctor' tells the remedy"
            )
        runtimes = installed_runtimes()
        try:
            gpu = _native.Device(index)
        except AernetError:
            if find_gpu() is None:
                require_compatible(engine, Machine(runtimes, None), model)
            raise
        self.engine = engine
        self.manifest = require_compatible(engine, Machine(runtimes, find_gpu(index)), model)
        if (changeable := changeable_by_others(engine)) is not None:
            warn_once(
                f"{engine}: other users may change {changeable}, and an engine is code that runs as you; keep"
                f" it where only you may write, as with 'chmod go-w {changeable}'"
            )
        adapter = open_runtime(self.manifest.runtime)
        self.card = self.manifest.card
        self.device = f"cuda:{index}"
        self.frames_on = index
        self.useful_batch = self.manifest.batch[2]
        self.runtime = f"{_NAMES[adapter.name]} {adapter.version}"
        with gpu:
            self._loaded = adapter.load(engine.read_bytes())
        _check_tensors(engine, self._loaded, self.manifest)
        self.gpu = gpu
        self._graphs = graphs
        self._lock = threading.Lock()
        self._lanes = [self.make_lane()]  # in the order of their last use
        self._lanes[0].network(1)

    def predict(self, frames: Sequence[Picture], pixel_format: PixelFormat) -> list[Prediction]:
        """Queue the frames in batches as large as the engine takes; see `Runner`."""
        largest = self.manifest.batch[2]
        predictions: list[Prediction] = []
        for start in range(0, len(frames), largest):
            first = start if len(frames) > 1 else None
            with self._lock:
                lane = self._free_lane()
                predictions += lane.predict(frames[start : start + largest], pixel_format, first)
        return predictions

    def submit(self, frames: Sequence[Picture], pixel_format: PixelFormat) -> Future[list[Prediction]]:
        """Queue the frames as `predict` does; the future is done once they are queued. See `Runner`."""
        future: Future[list[Prediction]] = Future()
        future.set_result(self.predict(frames, pixel_format))
        return future

    def warm_up(self, frame: Picture, pixel_format: PixelFormat) -> list[Prediction]:
        """Queue the frame on every lane; see `Runner`."""
        with self._lock:
            while len(self._lanes) < _LANES:
                self._lanes.append(self.make_lane())
            turns = [lane for lane in self._lanes for _ in range(FRAME_BUFFERS)]
            return [prediction for lane in turns for prediction in lane.predict([frame], pixel_format, None)]

    @property
    def capture_refusal(self) -> str | None:
        """Why the engine runs without a CUDA graph; see `Runner`."""
        return next((lane.capture_refusal for lane in self._lanes if lane.capture_refusal), None)

    def make_lane(self) -> EngineLane:
        """Make a lane beside those that the runner uses, for one thread at a time.

        Raises:
            AernetError: the GPU's memory does not suffice.
        """
        (_, image), (_, probability) = self._loaded.inputs["image"], self._loaded.outputs["probability"]
        least, _, largest = self.manifest.batch
        lane = _native.Lane(self.gpu, self.card.size, largest, image.name, probability.name)
        return EngineLane(lane, self.gpu, self._loaded, least, graphs=self._graphs)

    def _free_lane(self) -> EngineLane:
        """Return an idle lane, or a new one while there are fewer than two, or the one used longest ago."""
        lane = next((lane for lane in reversed(self._lanes) if lane.native.is_idle()), None)
        if lane is None:
            lane = self._lanes[0] if len(self._lanes) == _LANES else self.make_lane()
        self._lanes = [other for other in self._lanes if other is not lane] + [lane]
        return lane


def _check_tensors(engine: Path, loaded: LoadedEngine, manifest: Manifest) -> None:
    """Require the tensors that the manifest states, since memory is sized by the manifest."""
    size = manifest.card.size
    tensors = loaded.inputs | loaded.outputs
    found = {name: shape[1:] for name, (shape, _) in tensors.items()}
    if found != {"image": (3, size, size), "probability": (1, size, size)}:
        raise EngineError(
            f"{engine}: its manifest states image and probability of {size} x {size}, the engine has"
            f" {found}; build it again: {rebuild_command(engine, manifest)}"
        )
