"""How well an engine agrees with its model, in figures that a manifest keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from aernet.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    Answer = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]

LEAST_DICE = {"fp32": (0.999, 0.99), "fp16": (0.999, 0.99), "int8": (0.99, 0.95)}
"""Mean and worst Dice index from which on an engine of a precision gives what its model gives."""


class Agreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The agreement of masks and probabilities over pictures."""

    runtime: str
    """What was compared with the model in ONNX Runtime."""
    pictures: int
    """How many; at least one."""
    mean_dice: float
    """Mean Dice index of the masks, in [0, 1]; two empty masks agree wholly."""
    worst_dice: float
    """The Dice index of the picture that agrees least, in [0, 1]."""
    largest_difference: float
    """The largest difference of two probabilities, in [0, 1], over those that are numbers."""
    not_numbers: int
    """How many probabilities are NaN or infinite."""

    @classmethod
    def of(cls, runtime: str, answers: Iterable[tuple[Answer, Answer]]) -> Agreement:
        """Compare the answers to each picture: mask, any shape, 0 where there is no lesion, and probability.

        In each pair the first is the reference, all of whose probabilities are numbers.
        """
        dices, largest, not_numbers = [], 0.0, 0
        for (mask, probability), (other_mask, other_probability) in answers:
            numbers = np.isfinite(other_probability)
            not_numbers += int(numbers.size - np.count_nonzero(numbers))
            if numbers.any():
                largest = max(largest, float(np.abs(probability - other_probability)[numbers].max()))
            dices.append(float(_dice(mask != 0, other_mask != 0)))
        return cls(runtime, len(dices), float(np.mean(dices)), min(dices), largest, not_numbers)

    def passes(self, precision: str) -> bool:
        """Tell whether the Dice indices are those of `LEAST_DICE` and every probability is a number."""
        mean, worst = LEAST_DICE[precision]
        return self.mean_dice >= mean and self.worst_dice >= worst and self.not_numbers == 0

    def require(self, name: str, precision: str, remedy: str) -> None:
        """Raise an `EngineError` that names what failed and what to do, unless it passes."""
        if not self.passes(precision):
            mean, worst = LEAST_DICE[precision]
            raise EngineError(
                f"{name}: expected a mean Dice of at least {mean} and a worst of {worst} against the model in"
                f" ONNX Runtime, found {self}; {remedy}"
            )

    def __str__(self) -> str:
        return (
            f"Dice {self.mean_dice:.5f} mean, {self.worst_dice:.5f} worst, max |dp|"
            f" {self.largest_difference:.1e}, {self.not_numbers} NaN or infinite, {self.pictures} pictures,"
            f" {self.runtime}"
        )


def _dice(mask: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    total = np.count_nonzero(mask) + np.count_nonzero(other)
    return 2 * np.count_nonzero(mask & other) / total if total else 1.0
