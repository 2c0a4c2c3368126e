"""A lane of the extension with an engine made ready for it."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from aernet.errors import AernetError, FrameError
from aernet.nv12 import Nv12Frame
from aernet.runners.warn_once import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aernet import _native
    from aernet.arrays import Frame, Picture, PixelFormat
    from aernet.engine.loaded import ExecutionContext, LoadedEngine
    from aernet.prediction import Prediction

    Network = _native.Graph | Callable[[int], None]

FRAME_BUFFERS = 2
"""How many page-locked copies of frames a lane has: one is filled while the GPU reads the other."""
_KEPT_BATCH_SIZES = 4


class EngineLane:
    """A way through the GPU for one batch at a time.

    Args:
        native: what holds the stream and the memory.
        gpu: where it is.
        loaded: the engine.
        least: how many frames the engine takes at least.
        graphs: False lets TensorRT queue each run instead of capturing one.
    """

    def __init__(
        self, native: _native.Lane, gpu: _native.Device, loaded: LoadedEngine, least: int, *, graphs: bool
    ) -> None:
        self.native = native
        self.capture_refusal: str | None = None
        """Why the engine could not be captured, the last time that it was tried; None if it could."""
        self._gpu, self._loaded, self._least, self._graphs = gpu, loaded, least, graphs
        self._memory: _native.DeviceMemory | None = None
        self._networks: OrderedDict[int, tuple[ExecutionContext, Network]] = OrderedDict()

    def predict(
        self, frames: Sequence[Picture], pixel_format: PixelFormat, first: int | None
    ) -> list[Prediction]:
        """Queue a batch, when the lane's last one is over; errors number its frames from `first` on.

        Raises:
            FrameError: a frame is invalid, or lies where the GPU cannot read it.
            AernetError: the device fails.
        """
        self.native.wait()
        network = self.network(len(frames))
        index = 0
        try:
            for index, frame in enumerate(frames, first or 0):  # noqa: B007 - for errors
                self.native.put(self._readable(frame), pixel_format)
        except FrameError as error:
            if first is None:
                raise
            raise FrameError(f"frames[{index}]: {error}") from None
        self.native.run(network)
        return [*self.native.predictions()]

    def _readable(self, frame: Picture) -> Frame:
        """Return the frame with what lies in the GPU's memory wrapped."""
        if isinstance(frame, Nv12Frame):
            if frame.is_on_host:
                return frame
            wrap = self._gpu.wrap
            return replace(frame, luma=wrap(frame.luma), chroma=wrap(frame.chroma))
        return frame if isinstance(frame, np.ndarray) else self._gpu.wrap(frame)

    def network(self, count: int) -> Network:
        """Return the engine for so many frames: a graph, or a call to queue it if it cannot be captured."""
        count = max(count, self._least)
        if count not in self._networks:
            while len(self._networks) >= _KEPT_BATCH_SIZES:
                self._networks.popitem(last=False)
            with self._gpu:
                self._networks[count] = self._prepare(count)
        self._networks.move_to_end(count)
        return self._networks[count][1]

    def _prepare(self, count: int) -> tuple[ExecutionContext, Network]:
        lane = self.native
        context = self._loaded.context()
        if self._memory is None:  # the contexts of one lane never run at once
            self._memory = self._gpu.allocate(context.device_memory_bytes)
        context.bind_memory(self._memory.pointer)
        context.bind("image", lane.image)
        context.bind("probability", lane.probability)
        context.set_batch(count)
        # The first run does what may not happen during capture.
        context.enqueue(lane.stream)
        lane.wait()
        if self._graphs:
            try:
                return context, self._capture(context)
            except AernetError as error:
                self.capture_refusal = str(error)
                warn_once(
                    f"the engine runs without a CUDA graph, which takes more of the processor: {error};"
                    " a newer driver, or an engine built anew, may help"
                )
        return context, context.enqueue

    def _capture(self, context: ExecutionContext) -> _native.Graph:
        if not context.is_capturable(self.native.stream):
            raise AernetError("TensorRT says that this engine cannot be captured")
        return self.native.capture(context.enqueue)

    def __del__(self) -> None:
        # The engine's contexts and their memory must outlast what they have under way.
        with suppress(AernetError):
            self.native.wait()
