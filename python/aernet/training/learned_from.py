"""What a run learned from, as its model's card tells it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_KNOWN = {
    "8674c5c95a9be35ab3771c28251e5d189aecf42fe15085bcd0534e429e99d710": (
        "ISIC 2018 Task 1 training pictures, subset train of isic2018_split.csv",
        "Apache-2.0; its training pictures are CC-0 where the ISIC archive states a licence",
    )
}
"""Name, and licence of what learned from them, of lists of pictures by `image_ids_sha256`."""


@dataclass(frozen=True)
class LearnedFrom:
    """The pictures of a run, and the models that it started from or was taught by."""

    folder: str
    """Name of the folder or zip file of the data."""
    table: str
    """Name of the table of subsets."""
    train: int
    """How many pictures the network learned from: those of the subset train."""
    val: int
    """How many pictures chose epoch and threshold: those of the subset val."""
    image_ids_sha256: str
    """What `image_ids_sha256` gives for the subset train."""
    stated_licence: str | None = None
    """What `aernet-trt train --licence` said."""
    models: list[str] = field(default_factory=list)
    """The training data of the models in words, each once; see `Origin.training_data`."""
    val_image_ids_sha256: str | None = None
    """What `image_ids_sha256` gives for the subset val; None in a checkpoint of an earlier aernet."""

    @property
    def own_pictures(self) -> str:
        """The pictures of this run in words."""
        if self.image_ids_sha256 in _KNOWN:
            return _KNOWN[self.image_ids_sha256][0]
        return f"{_pictures(self.train)} of {self.folder}, subset train of {self.table}"

    @property
    def training_data(self) -> str:
        """All that the network learned from in words, as its card has it."""
        return "; learned from a model trained on ".join(dict.fromkeys([self.own_pictures, *self.models]))

    @property
    def licence(self) -> str:
        """The stated licence, else that of a known list of pictures, else "not stated"."""
        _, known = _KNOWN.get(self.image_ids_sha256, ("", "not stated"))
        return self.stated_licence or known


def image_ids_sha256(image_ids: Collection[str]) -> str:
    """Return the SHA-256 digest of the sorted ids, one a line, as hexadecimal digits."""
    return hashlib.sha256("\n".join(sorted(image_ids)).encode()).hexdigest()


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"
