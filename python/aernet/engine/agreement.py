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

LEAST_MEAN_DICE = 0.999
LEAST_WORST_DICE = 0.99


class Agreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The agreement of masks and probabilities over pictures."""

    runtime: str
    """What was compared with the FP32 model in ONNX Runtime."""
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

    @property
    def passed(self) -> bool:
        """Whether mean Dice >= 0.999, worst Dice >= 0.99 and every probability is a number."""
        alike = self.mean_dice >= LEAST_MEAN_DICE and self.worst_dice >= LEAST_WORST_DICE
        return alike and self.not_numbers == 0

    def require(self, name: str, remedy: str) -> None:
        """Raise an `EngineError` that names what failed and what to do, unless it passed."""
        if not self.passed:
            raise EngineError(
                f"{name}: expected a mean Dice of at least {LEAST_MEAN_DICE} and a worst of"
                f" {LEAST_WORST_DICE} against the FP32 model in ONNX Runtime, found {self}; {remedy}"
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
