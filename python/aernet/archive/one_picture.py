"""Makes the outputs of one picture, on this machine or, as `aernet.scale` does, on another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from aernet.archive.describe import describe
from aernet.archive.kinds import KINDS, Segmented
from aernet.pictures import mm_per_pixel_of, read_picture

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.segmenter import Segmenter


@dataclass(frozen=True)
class Order:
    """What is to be made of a picture."""

    name: str
    """What its row calls it."""
    below: str
    """The path of its file below the folder that was given."""
    beside: str
    """The path of its file from the folder of its outputs."""
    kinds: frozenset[str]
    """The kinds of outputs, such as "mask"."""
    measured: bool
    """Whether its row is to tell of the lesion."""


class Made(NamedTuple):
    """What was made of a picture."""

    facts: dict[str, Any]
    """What its row tells beside its status and its files."""
    contents: dict[str, bytes]
    """Its files and its pieces of the files of the run, by their kinds."""


class MakePicture(Protocol):
    """Makes the outputs of pictures; several threads may share it."""

    def __call__(self, path: Path, order: Order, /) -> Made:
        """Make what is ordered of the picture in a file; see `make_picture` for the errors."""


class OtherMachines(MakePicture, Protocol):
    """Makes the outputs of pictures elsewhere."""

    @property
    def jobs(self) -> int:
        """How many pictures should be under way at once."""


def make_picture(segmenter: Segmenter, path: Path, order: Order) -> Made:
    """Segment a picture, and return its outputs without writing any.

    Args:
        segmenter: takes BGR pictures.
        path: the file of the picture.
        order: what to make of it.

    Raises:
        SourceError: the file is no picture that can be used; the message names it.
        FrameError: the network gives no probabilities for it.
        AernetError: the segmenter's device fails.
    """
    result = segmenter(read_picture(path))
    card = segmenter.card
    facts = describe(result, card.name, mm_per_pixel_of(path)) if order.measured else {}
    row = {"input": order.name, **facts}
    done = Segmented(result, row, order.below, order.beside, path, (card.name, card.version))
    contents = {kind: KINDS[kind].content(done) for kind in sorted(order.kinds)}
    return Made(facts | {"latency_ms": round(result.latency_ms, 3)}, contents)
