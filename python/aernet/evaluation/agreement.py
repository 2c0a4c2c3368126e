"""Two runners on the same pictures: do they give the same masks?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aernet.engine.verification import Verification
from aernet.errors import FrameError
from aernet.pictures import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from aernet.runners.base import Answer, Runner


def compare_runners(reference: Runner, candidate: Runner, pictures: Iterable[Path]) -> Verification:
    """Compare the masks, at the pictures' own size and the reference's threshold, and the probabilities.

    Where the candidate's probabilities are not numbers, that picture's Dice is 0 and all of them count.

    Raises:
        SourceError: a picture cannot be read.
    """
    threshold = reference.card.threshold

    def answers() -> Iterator[tuple[Answer, Answer]]:
        for picture in pictures:
            frame = read_picture(picture)
            (expected,) = reference.run([frame], threshold, "bgr")
            try:
                (found,) = candidate.run([frame], threshold, "bgr")
            except FrameError:  # the one thing about a frame that the reference took
                mask, probability = expected
                found = (~mask, np.full_like(probability, np.nan))
            yield expected, found

    return Verification.of(f"{candidate.runtime} on {candidate.device}", answers())
