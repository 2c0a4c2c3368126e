"""ONNX Runtime on the CPU."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from aernet._native import get_num_threads, mask_from_probability, preprocess
from aernet.errors import FrameError, ModelError
from aernet.models import ModelCard

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

_FATAL = 4  # ONNX Runtime's severities go from 0 to 4; what it refuses reaches us as an exception


class OnnxRuntimeRunner:
    """A model in ONNX Runtime: extension, network, extension.

    Raises:
        ModelError: the file is not ONNX, or not an AER-Net model.
    """

    device = "cpu"

    def __init__(self, model: Path) -> None:
        self.runtime = f"ONNX Runtime {onnxruntime.__version__}"
        self._session = _open_session(model)
        try:
            self.card = _card(self._session)
        except ModelError as error:
            raise ModelError(f"{model}: {error}") from None
        self._kept = threading.local()

    def run(
        self, frames: Sequence[npt.NDArray[np.uint8]], threshold: float, colour: str
    ) -> list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]]:
        """Run the frames as one batch; see `Runner`."""
        image = self._image(len(frames))
        index = 0
        try:
            for index, (frame, planes) in enumerate(zip(frames, image, strict=True)):  # noqa: B007 - for errors
                preprocess(frame, self.card.size, colour, out=planes)
        except FrameError as error:
            if len(frames) == 1:
                raise
            raise FrameError(f"frames[{index}]: {error}") from None
        # The output is a fresh array: it becomes part of the results.
        (probability,) = self._session.run(["probability"], {"image": image})
        return [
            (mask_from_probability(plane, frame.shape[0], frame.shape[1], threshold), plane)
            for frame, plane in zip(frames, probability[:, 0], strict=True)
        ]

    def _image(self, count: int) -> npt.NDArray[np.float32]:
        """Return this thread's input buffer, which grows to the largest batch and is kept."""
        kept: npt.NDArray[np.float32] | None = getattr(self._kept, "image", None)
        if kept is None or len(kept) < count:
            kept = np.empty((count, 3, self.card.size, self.card.size), np.float32)
            self._kept.image = kept
        return kept[:count]


def _open_session(model: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    options.intra_op_num_threads = get_num_threads()
    # Threads that spin for work after a run take the cores from preprocess, mask and the application.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's own have no common parent
        reason = str(error).strip().splitlines()[0]
        raise ModelError(
            f"{model}: expected an ONNX model, but ONNX Runtime cannot load it: {reason}"
        ) from None


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
