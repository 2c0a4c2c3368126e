"""Compares what runs a model with ONNX Runtime on the CPU, on the same pictures."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from aernet.arrays import picture_size
from aernet.engine.agreement import Agreement
from aernet.engine.compatibility import more_exact
from aernet.engine.manifest import record_verification
from aernet.errors import AernetError
from aernet.pictures import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from aernet.arrays import HostImage, ProbabilityMap
    from aernet.runners.base import Runner
    from aernet.runners.tensorrt import TensorRtRunner

    Answer = tuple[HostImage, ProbabilityMap]

_log = logging.getLogger(__name__)


def compare_with_model(runner: TensorRtRunner, reference: Runner, pictures: Iterable[Path]) -> Agreement:
    """Compare an engine with its model, and note the result in the engine's manifest.

    Masks are compared at the pictures' own size and the model's threshold.

    Args:
        runner: runs the engine.
        reference: runs the model.
        pictures: the pictures that both segment.

    Raises:
        EngineError: the engine does not give what the model gives.
        SourceError: a picture cannot be read.
        AernetError: the device fails.
    """
    agreement = agreement_of(runner, reference, pictures)
    try:
        record_verification(runner.engine, agreement)
    except AernetError as error:  # such as a folder that may not be written to
        _log.warning("%s; %s is compared with its model each time", error, runner.engine)
    precision = runner.manifest.precision
    agreement.require(str(runner.engine), precision, more_exact(runner.engine, runner.manifest))
    return agreement


def agreement_of(runner: Runner, reference: Runner, pictures: Iterable[Path]) -> Agreement:
    """Compare the masks of two runners of a model, at the pictures' own size and the model's threshold.

    Raises:
        SourceError: a picture cannot be read.
        AernetError: a device fails.
    """

    def answers() -> Iterator[tuple[Answer, Answer]]:
        for picture in pictures:
            frame, threshold = read_picture(picture), reference.card.threshold
            yield _answer(reference, frame, threshold), _answer(runner, frame, threshold)

    return Agreement.of(f"{runner.runtime} on {runner.device}", answers())


def _answer(runner: Runner, frame: HostImage, threshold: float) -> Answer:
    """Return the mask and the probability map of a picture, unchecked."""
    (prediction,) = runner.predict([frame], "bgr")
    return np.asarray(prediction.mask(*picture_size(frame, "bgr"), threshold)), prediction.probability
