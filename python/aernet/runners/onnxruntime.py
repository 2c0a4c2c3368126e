"""ONNX Runtime: the network on the CPU, or where another provider runs it; preprocessing on the CPU."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, redirect_stdout
from functools import cached_property
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from aernet import remedies
from aernet._native import get_num_threads, preprocess
from aernet.errors import AernetError, FrameError, ModelError
from aernet.frame_pictures import is_on_host
from aernet.models import ModelCard
from aernet.onnx_file import read_onnx
from aernet.prediction import HostPrediction
from aernet.runners.providers import CPU, Provider

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from aernet.arrays import HostImage, Picture, PixelFormat
    from aernet.nv12 import Nv12Frame
    from aernet.prediction import Prediction

_FATAL = 4  # the highest severity of ONNX Runtime's log; lesser errors reach us as exceptions
_WARNING = 2  # the severity from which on it logs by default
_CUDA = "CUDAExecutionProvider"
_AT_ONCE = 2  # submitted batches that run side by side


class OnnxRuntimeRunner:
    """A model in ONNX Runtime.

    Args:
        model: the ONNX file.
        provider: what runs the network.

    Raises:
        ModelError: the file is not ONNX, not an AER-Net model, or refused by `read_onnx`.
        AernetError: this ONNX Runtime is without the provider, or cannot start it.
    """

    capture_refusal = None
    masks_on_device = False
    frames_on = None

    def __init__(self, model: Path, provider: Provider = CPU) -> None:
        self.device = provider.device
        self.runtime = _runtime(provider)
        self.useful_batch = provider.useful_batch
        self._provider = provider
        self._threads = get_num_threads()
        self._model = read_onnx(model)
        try:
            self._session = _open_session(self._model, self._threads, provider)
            self.card = _card(self._session)
        except ModelError as error:
            raise ModelError(f"{model}: {error}") from None
        except UnicodeDecodeError as error:
            raise ModelError(f"{model}: its names or metadata are not UTF-8 ({error.reason})") from None
        self._kept = threading.local()
        self._submitting = threading.Lock()
        self._running = nullcontext() if provider.runs_side_by_side else threading.Lock()
        self._at_once = min(_AT_ONCE, self._threads)
        self._under_way: deque[Future[list[Prediction]]] = deque()

    def predict(self, frames: Sequence[Picture], pixel_format: PixelFormat) -> list[Prediction]:
        """Run the frames as one batch on all threads; see `Runner`."""
        if len(frames) == 0:
            return []
        image = self._image(len(frames))
        host_frames = self._prepare(frames, pixel_format, image)
        return self._predictions(self._session, host_frames, image)

    def submit(self, frames: Sequence[Picture], pixel_format: PixelFormat) -> Future[list[Prediction]]:
        """Prepare the frames, and start the network on them; see `Runner`."""
        image = np.empty((len(frames), 3, self.card.size, self.card.size), np.float32)
        host_frames = self._prepare(frames, pixel_format, image)
        with self._submitting:
            if len(self._under_way) == self._at_once:
                self._under_way.popleft().exception()  # waits until the oldest has ended
            session, workers = self._parallel
            future = workers.submit(self._predictions, session, host_frames, image)
            self._under_way.append(future)
        return future

    def warm_up(self, frame: Picture, pixel_format: PixelFormat) -> list[Prediction]:
        """Run the frame on all threads, and side by side; see `Runner`."""
        futures = [self.submit([frame], pixel_format) for _ in range(self._at_once)]
        return self.predict([frame], pixel_format) + [future.result()[0] for future in futures]

    def _prepare(
        self, frames: Sequence[Picture], pixel_format: PixelFormat, image: npt.NDArray[np.float32]
    ) -> list[HostImage | Nv12Frame]:
        """Fill the network's input, N x 3 x S x S, and return the frames; errors give a frame's index."""
        host_frames: list[HostImage | Nv12Frame] = []
        try:
            for frame, planes in zip(frames, image, strict=True):
                if not is_on_host(frame):
                    raise FrameError(  # noqa: TRY301 - numbered below
                        f"frame: expected a NumPy array of uint8, found {type(frame).__name__};"
                        f" {self.runtime} on {self.device} takes frames from the host's memory"
                    )
                preprocess(frame, self.card.size, pixel_format, out=planes)
                host_frames.append(frame)
        except FrameError as error:
            if len(frames) == 1:
                raise
            raise FrameError(f"frames[{len(host_frames)}]: {error}") from None
        return host_frames

    @cached_property
    def _parallel(self) -> tuple[onnxruntime.InferenceSession, ThreadPoolExecutor]:
        """The session and the workers of submitted frames, which share the CPU's threads evenly.

        A frame takes longer on its share of the threads than on all of them. But threads wait for each other
        in every layer, so that two frames side by side finish sooner than in turn, and more evenly.
        """
        threads = self._threads // self._at_once
        shared = not self._provider.on_processor or self._at_once == 1
        session = self._session if shared else _open_session(self._model, threads, self._provider)
        return session, ThreadPoolExecutor(self._at_once, "aernet network")

    def _predictions(
        self,
        session: onnxruntime.InferenceSession,
        frames: Sequence[HostImage | Nv12Frame],
        image: npt.NDArray[np.float32],
    ) -> list[Prediction]:
        # The output is a fresh array, so that the predictions can keep it.
        return [
            HostPrediction(frame, plane)
            for frame, plane in zip(frames, self.infer(image, session), strict=True)
        ]

    def infer(
        self, image: npt.NDArray[np.float32], session: onnxruntime.InferenceSession | None = None
    ) -> npt.NDArray[np.float32]:
        """Run the network alone, N x 3 x S x S -> N x S x S, on all threads unless a session is given.

        Raises:
            AernetError: the device fails.
        """
        try:
            with self._running:
                (probability,) = (session or self._session).run(["probability"], {"image": image})
        except Exception as error:  # noqa: BLE001 - as in _open_session
            raise AernetError(f"{self.runtime} fails on {self.device}: {_first_line(error)}") from None
        # ONNX Runtime's sigmoid may round to the next number above 1.
        answer: npt.NDArray[np.float32] = np.minimum(probability[:, 0], np.float32(1))
        return answer

    def _image(self, count: int) -> npt.NDArray[np.float32]:
        """Return this thread's input buffer, which is kept and grows to the largest batch."""
        kept: npt.NDArray[np.float32] | None = getattr(self._kept, "image", None)
        if kept is None or len(kept) < count:
            kept = np.empty((count, 3, self.card.size, self.card.size), np.float32)
            self._kept.image = kept
        return kept[:count]


def _runtime(provider: Provider) -> str:
    brought = f", {provider.library}" if provider.library else ""
    return f"ONNX Runtime {onnxruntime.__version__}{brought}"


def _open_session(model: bytes, threads: int, provider: Provider) -> onnxruntime.InferenceSession:
    _require_present(provider)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    options.intra_op_num_threads = threads
    # Threads that spin for work after a run take the cores from preprocess, mask and the application.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # Else a file may also pass for one of its own format, which nothing has looked at.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if not provider.runs_side_by_side:  # DirectML, which takes no memory patterns either
        options.enable_mem_pattern = False
    asked = [(provider.name, provider.options(threads))]
    try:
        with nullcontext() if provider is CPU else _quiet():
            session = onnxruntime.InferenceSession(model, options, asked, enable_fallback=0)
    except Exception as error:  # noqa: BLE001 - its exceptions have no common parent
        raise ModelError(
            f"expected an ONNX model, but ONNX Runtime cannot load it: {_first_line(error)}"
        ) from None
    if provider.name not in session.get_providers():
        raise AernetError(f"{_runtime(provider)} cannot use {provider.device}{_lacking(provider)}")
    return session


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what a provider logs that does not start, which is no session's; an error tells it."""
    onnxruntime.set_default_logger_severity(_FATAL)
    try:
        yield
    finally:
        onnxruntime.set_default_logger_severity(_WARNING)


def _require_present(provider: Provider) -> None:
    if provider.name not in onnxruntime.get_available_providers():
        remedy = remedies.onnxruntime_for(provider.device)
        raise AernetError(f"ONNX Runtime {onnxruntime.__version__} is without {provider.name}; {remedy}")
    if provider.name == _CUDA and hasattr(onnxruntime, "preload_dlls"):
        with redirect_stdout(StringIO()):  # it prints which libraries are missing
            onnxruntime.preload_dlls()


def _lacking(provider: Provider) -> str:
    if provider.name == _CUDA:
        return f", for want of CUDA or cuDNN; {remedies.onnxruntime_gpu('cuda', 'cudnn')}"
    return f", which wants {provider.wants or 'another system'}; use 'cpu'"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _card(session: onnxruntime.InferenceSession) -> ModelCard:
    """Return the model's card, after checking that the file is an AER-Net model."""
    side = _side(session.get_inputs(), "input", "image", 3)
    if _side(session.get_outputs(), "output", "probability", 1) != side:
        raise ModelError("not an AER-Net model: its output is not of its input's size")
    card = ModelCard.from_metadata(session.get_modelmeta().custom_metadata_map)
    if card.size != side:
        raise ModelError(f"its metadata say a size of {card.size}, but its input is {side} x {side}")
    return card


def _side(nodes: Sequence[onnxruntime.NodeArg], kind: str, name: str, channels: int) -> int:
    """Return S of a model's only input or output, which must be float32, N x channels x S x S, with any N."""
    if len(nodes) == 1 and nodes[0].name == name and nodes[0].type == "tensor(float)":
        match nodes[0].shape:
            case [str() | None, planes, int() as side, width] if planes == channels and side == width:
                return side
    found = ", ".join(f"{node.name} {node.type} {node.shape}" for node in nodes) or "none"
    expected = f"one {kind}, {name} tensor(float) ['N', {channels}, S, S]"
    raise ModelError(f"not an AER-Net model: expected {expected}, found {found}")
