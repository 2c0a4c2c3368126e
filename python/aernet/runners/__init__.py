"""Where a model runs: one file a runtime, and the choice between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aernet.errors import AernetError

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.runners.base import Runner

_DEVICES = ("auto", "cpu")


def open_runner(model: Path, device: str) -> Runner:
    """Load a model on a device: "cpu", or "auto" for the best that this machine has.

    Raises:
        AernetError: there is no such device.
        ModelError: the file is not an AER-Net model.
    """
    if device not in _DEVICES:
        raise AernetError(f"device {device!r}: not available; expected one of {', '.join(_DEVICES)}")
    # Loading ONNX Runtime takes longer than importing all the rest.
    from aernet.runners.onnxruntime import OnnxRuntimeRunner  # noqa: PLC0415

    return OnnxRuntimeRunner(model)
