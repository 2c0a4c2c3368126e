"""Frames of a Jetson's cameras and decoders, which its GPU reads without a copy through the host.

The extension `_nvmm`, which a build with AERNET_NVMM=ON has, runs the pipeline in this process. Elsewhere,
and where the frames are not for a GPU, `gst-launch-1.0` runs it (`gstreamer`).
"""

from __future__ import annotations

import time
from contextlib import closing
from importlib import import_module
from typing import TYPE_CHECKING

from aernet import _native
from aernet.errors import SourceError
from aernet.nv12 import Nv12Frame
from aernet.video.sources.colorimetry import colours_of
from aernet.video.sources.gstreamer import GAP_SECONDS, START_SECONDS, GStreamer
from aernet.video.sources.network import without_password

if TYPE_CHECKING:
    from aernet._nvmm import Capture
    from aernet.video.sources.base import Frames, Source


def absent_because() -> str | None:
    """Say why the extension is not used, or return None where it is."""
    try:
        import_module("aernet._nvmm")
    except ModuleNotFoundError:
        return "not in this build"
    except ImportError as error:  # a library of JetPack is missing
        return f"cannot be loaded ({error})"
    return None


def read_on_gpu(source: Source, gpu: int | None) -> Source:
    """Return a source of the same frames in the memory of a GPU where that can be, else the source itself.

    Args:
        source: what gives the frames.
        gpu: the number of the GPU whose memory they are read from; None for the host's.
    """
    if gpu is None or not isinstance(source, GStreamer) or source.nvmm_pipeline is None or absent_because():
        return source
    return NvmmStream(source.nvmm_pipeline, source.name, gpu)


class NvmmStream:
    """A GStreamer pipeline whose frames are NV12 in memory:NVMM.

    Args:
        pipeline: its words as `gst-launch-1.0` takes them, without its sink.
        name: its name in messages.
        gpu: the number of the GPU that reads the frames.
    """

    live = True

    def __init__(self, pipeline: list[str], name: str, gpu: int) -> None:
        self.name = name
        self._pipeline, self._gpu = pipeline, gpu

    def frames(self) -> Frames:
        """Yield frames as they arrive, their planes `DeviceArray`s; see `Source`."""
        from aernet import _nvmm  # noqa: PLC0415 - most machines have none

        gpu = _native.Device(self._gpu)
        try:
            with closing(_nvmm.Capture(self._pipeline)) as capture:
                seconds = START_SECONDS
                while True:
                    yield self._next(capture, gpu, seconds)
                    seconds = GAP_SECONDS
        except EOFError:
            return
        except _nvmm.CaptureError as error:
            raise SourceError(f"{self.name}: {without_password(str(error))}") from None

    def _next(self, capture: Capture, gpu: _native.Device, seconds: float) -> tuple[Nv12Frame, float]:
        """Return a frame and when it arrived, and keep neither: the pipeline has few of them.

        Raises:
            EOFError: a pipeline that is not live has ended.
        """
        with gpu:
            pulled = capture.pull(seconds)
        if pulled is None:
            raise EOFError
        luma, chroma, stated = pulled
        arrived = time.perf_counter()
        planes = gpu.wrap(luma), gpu.wrap(chroma)
        matrix, full_range = colours_of(stated, self.name, planes[0].shape[0])
        return Nv12Frame(*planes, matrix, full_range), arrived
