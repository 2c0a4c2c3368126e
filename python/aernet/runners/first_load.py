"""Loads a model on another provider than the CPU's; the first time it compares their masks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from aernet.engine.agreement import Agreement
from aernet.engine.folders import first_load_path
from aernet.errors import AernetError
from aernet.files import replacing, sha256_of
from aernet.pictures import example_pictures
from aernet.processor import processor
from aernet.runners.comparison import agreement_of
from aernet.runners.onnxruntime import OnnxRuntimeRunner

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.runners.providers import Provider

_log = logging.getLogger(__name__)


def open_compared(model: Path, provider: Provider) -> OnnxRuntimeRunner:
    """Load a model on a provider that gives the masks that the CPU gives.

    The outcome of the comparison is kept in the user's cache, for this model, runtime and processor.

    Raises:
        AernetError: the provider is absent, cannot be started, or does not give those masks.
        ModelError: the file is not an AER-Net model.
    """
    runner = OnnxRuntimeRunner(model, provider)
    outcome = first_load_path(f"{runner.runtime} {runner.device} {processor()}", sha256_of(model))
    agreement = _read(outcome)
    if agreement is None:
        agreement = agreement_of(runner, OnnxRuntimeRunner(model), example_pictures())
        try:
            with replacing(outcome) as temporary:
                temporary.write_bytes(msgspec.json.encode(agreement))
        except AernetError as error:  # such as a folder that may not be written to
            _log.warning("%s; %s is compared with the CPU at each start", error, runner.device)
    agreement.require(f"{model} on {runner.device}", "fp32", "use device='cpu'")
    return runner


def _read(outcome: Path) -> Agreement | None:
    """Return what was found earlier; None if there is nothing, or nothing that can be read."""
    try:
        return msgspec.json.decode(outcome.read_bytes(), type=Agreement)
    except (OSError, msgspec.DecodeError):
        return None
