"""ONNX Runtime: the network on the CPU, or on a GPU by its CUDA provider; all else on the CPU."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import redirect_stdout
from functools import cached_property
from io import StringIO
from typing import TYPE_CHECKING, cast

import numpy as np
import onnxruntime

from aernet._native import get_num_threads, mask_from_probability, preprocess
from aernet.errors import AernetError, FrameError, ModelError
from aernet.models import ModelCard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any, NoReturn

    import numpy.typing as npt

    from aernet.runners.base import Answer, Frame

_FATAL = 4  # ONNX Runtime's severities go from 0 to 4; what it refuses reaches us as an exception
_CUDA = "CUDAExecutionProvider"
_AT_ONCE = 2  # submitted frames


class OnnxRuntimeRunner:
    """A model in ONNX Runtime: extension, network, extension.

    Args:
        model: the ONNX file.
        index: of the GPU that runs the network; None for the CPU.

    Raises:
        ModelError: the file is not ONNX, or not an AER-Net model.
        AernetError: ONNX Runtime cannot use the GPU.
    """

    def __init__(self, model: Path, index: int | None = None) -> None:
        self.device = "cpu" if index is None else f"cuda:{index}"
        self.runtime = f"ONNX Runtime {onnxruntime.__version__}"
        self._index = index
        self._threads = get_num_threads()
        try:
            self._model = model.read_bytes()
            self._session = _open_session(self._model, self._threads, index)
            self.card = _card(self._session)
        except OSError as error:
            raise ModelError(f"{model}: cannot be read ({error.strerror})") from None
        except ModelError as error:
            raise ModelError(f"{model}: {error}") from None
        self._kept = threading.local()
        self._submitting = threading.Lock()
        self._at_once = min(_AT_ONCE, self._threads)
        self._under_way: deque[Future[list[Answer]]] = deque()

    def accept(self, frame: object) -> Frame:
        """Refuse what is no NumPy array; see `Runner`."""
        raise FrameError(
            f"frame: expected a NumPy array of uint8, found {type(frame).__name__}; {self.runtime} on"
            f" {self.device} takes frames from the host's memory"
        )

    def run(self, frames: Sequence[Frame], threshold: float, colour: str) -> list[Answer]:
        """Run the frames as one batch; see `Runner`."""
        image = self._image(len(frames))
        sizes: list[tuple[int, int]] = []
        try:
            for frame, planes in zip(frames, image, strict=True):
                sizes.append(self._prepare(frame, colour, planes))
        except FrameError as error:
            if len(frames) == 1:
                raise
            raise FrameError(f"frames[{len(sizes)}]: {error}") from None
        return self._answers(self._session, image, sizes, threshold)

    def submit(self, frame: Frame, threshold: float, colour: str) -> Future[list[Answer]]:
        """Prepare the frame, and start the network on it; see `Runner`."""
        image = np.empty((1, 3, self.card.size, self.card.size), np.float32)
        size = self._prepare(frame, colour, image[0])
        with self._submitting:
            if len(self._under_way) == self._at_once:
                self._under_way.popleft().exception()  # it is over then
            session, workers = self._beside
            job = workers.submit(self._answers, session, image, [size], threshold)
            self._under_way.append(job)
        return job

    def masks_on_device(self, frames: Sequence[Frame], threshold: float, colour: str) -> NoReturn:  # noqa: ARG002
        """Refuse: masks are made on the CPU; see `Runner`."""
        raise AernetError(
            f"{self.runtime} on {self.device} makes masks in the host's memory; for masks on a GPU, build an"
            " engine (aernet-trt build-engine)"
        )

    def times(self, frame: npt.NDArray[np.uint8]) -> Mapping[str, float]:
        """Time the steps, on the CPU; see `Runner`."""
        image = self._image(1)
        start = time.perf_counter()
        size = self._prepare(frame, "bgr", image[0])
        prepared = time.perf_counter()
        (probability,) = self._infer(self._session, image)
        answered = time.perf_counter()
        mask_from_probability(probability, *size, self.card.threshold)
        end = time.perf_counter()
        seconds = {"preprocess": prepared - start, "network": answered - prepared, "mask": end - answered}
        return {step: 1000 * value for step, value in seconds.items()}

    def floor(self, frame: npt.NDArray[np.uint8]) -> Mapping[str, float]:
        """Time the network alone; see `Runner`."""
        return {"network": self.times(frame)["network"]}

    def _prepare(self, frame: Frame, colour: str, planes: npt.NDArray[np.float32]) -> tuple[int, int]:
        """Fill the network's input, and return the height and width of the mask."""
        preprocess(cast("npt.NDArray[np.uint8]", frame), self.card.size, colour, out=planes)
        height, width = frame.shape[:2]
        return (height // 3 * 2 if colour == "nv12" else height), width

    @cached_property
    def _beside(self) -> tuple[onnxruntime.InferenceSession, ThreadPoolExecutor]:
        """What runs submitted frames, on the CPU beside one another and each with its share of the threads.

        A frame takes longer so than on all threads; but these wait for one another in every layer, and for
        whatever else the processor does: more frames are done, and evenly.
        """
        shared = self._index is not None or self._at_once == 1
        session = self._session if shared else _open_session(self._model, self._threads // self._at_once)
        return session, ThreadPoolExecutor(self._at_once, "aernet network")

    def _answers(
        self,
        session: onnxruntime.InferenceSession,
        image: npt.NDArray[np.float32],
        sizes: Sequence[tuple[int, int]],
        threshold: float,
    ) -> list[Answer]:
        # The output is a fresh array: it becomes part of the results.
        probability = self._infer(session, image)
        return [
            (mask_from_probability(plane, *size, threshold), plane)
            for size, plane in zip(sizes, probability, strict=True)
        ]

    def _infer(
        self, session: onnxruntime.InferenceSession, image: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Return the probabilities, N x S x S."""
        try:
            (probability,) = session.run(["probability"], {"image": image})
        except Exception as error:  # noqa: BLE001 - as in _open_session
            raise AernetError(f"{self.runtime} fails on {self.device}: {_first_line(error)}") from None
        # Its sigmoid may round to the number above 1.
        answer: npt.NDArray[np.float32] = np.minimum(probability[:, 0], np.float32(1))
        return answer

    def _image(self, count: int) -> npt.NDArray[np.float32]:
        """Return this thread's input buffer, which grows to the largest batch and is kept."""
        kept: npt.NDArray[np.float32] | None = getattr(self._kept, "image", None)
        if kept is None or len(kept) < count:
            kept = np.empty((count, 3, self.card.size, self.card.size), np.float32)
            self._kept.image = kept
        return kept[:count]


def _open_session(model: bytes, threads: int, index: int | None = None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    options.intra_op_num_threads = threads
    # Threads that spin for work after a run take the cores from preprocess, mask and the application.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    providers = _providers(index)
    try:
        session = onnxruntime.InferenceSession(model, options, providers, enable_fallback=0)
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's own have no common parent
        raise ModelError(
            f"expected an ONNX model, but ONNX Runtime cannot load it: {_first_line(error)}"
        ) from None
    if index is not None and _CUDA not in session.get_providers():
        raise AernetError(
            f"ONNX Runtime {onnxruntime.__version__} cannot use cuda:{index}, for want of CUDA or cuDNN;"
            " pip install 'onnxruntime-gpu[cuda,cudnn]'"
        )
    return session


def _providers(index: int | None) -> list[str | tuple[str, dict[str, Any]]]:
    if index is None:
        return ["CPUExecutionProvider"]
    if _CUDA not in onnxruntime.get_available_providers():
        raise AernetError(
            f"ONNX Runtime {onnxruntime.__version__} is for CPUs alone; pip install onnxruntime-gpu instead"
        )
    if hasattr(onnxruntime, "preload_dlls"):
        with redirect_stdout(StringIO()):  # what it misses, it prints
            onnxruntime.preload_dlls()
    return [(_CUDA, {"device_id": index, "cudnn_conv_algo_search": "HEURISTIC"}), "CPUExecutionProvider"]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _card(session: onnxruntime.InferenceSession) -> ModelCard:
    """Return the model's card, having seen that the model is one of ours."""
    side = _side(session.get_inputs(), "input", "image", 3)
    if _side(session.get_outputs(), "output", "probability", 1) != side:
        raise ModelError("not an AER-Net model: its output is not of its input's size")
    card = ModelCard.from_metadata(session.get_modelmeta().custom_metadata_map)
    if card.size != side:
        raise ModelError(f"its metadata say a size of {card.size}, but its input is {side} x {side}")
    return card


def _side(nodes: Sequence[onnxruntime.NodeArg], kind: str, name: str, channels: int) -> int:
    """Return the S of a model's one input or output, which must be float32, N x channels x S x S, any N."""
    if len(nodes) == 1 and nodes[0].name == name and nodes[0].type == "tensor(float)":
        match nodes[0].shape:
            case [str() | None, planes, int() as side, width] if planes == channels and side == width:
                return side
    found = ", ".join(f"{node.name} {node.type} {node.shape}" for node in nodes) or "none"
    expected = f"one {kind}, {name} tensor(float) ['N', {channels}, S, S]"
    raise ModelError(f"not an AER-Net model: expected {expected}, found {found}")
