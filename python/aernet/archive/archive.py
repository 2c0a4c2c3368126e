"""Whole folders of pictures and videos: inputs and settings in, a stream of rows out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from aernet.archive.failures import concerns_all, reason_of
from aernet.archive.inputs import find_inputs, nothing_found
from aernet.archive.outputs import is_earlier_output, name_outputs
from aernet.archive.segmenting import Segmenting
from aernet.archive.watching import unwatched
from aernet.errors import AernetError
from aernet.models import DEFAULT
from aernet.segmenter import Segmenter
from aernet.video.sources.network import without_password

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from aernet.archive.inputs import Input
    from aernet.archive.watching import Watch
    from aernet.borders import BorderName
    from aernet.errors import SourceError
    from aernet.regions import Keep


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How inputs are segmented, and what is written of them."""

    kinds: Collection[str] = ()
    """What to write beside masks: "overlay", "contours"; see `aernet.archive.kinds`."""
    model: str = DEFAULT
    """The model, device, threshold, border and keep are as `Segmenter` takes them."""
    device: str = "auto"
    threshold: float | None = None
    border: BorderName | None = None
    keep: Keep = "all"
    overwrite: bool = False
    """Whether to write outputs that exist already, instead of skipping their inputs."""
    described: bool = False
    """Whether rows tell of the lesion, which takes a while to measure."""


class Archive:
    """The pictures and videos that some inputs name, and the folder for their outputs.

    Args:
        inputs: pictures, videos, folders of them, globs, addresses (http, https), or "-" for a picture on the
            standard input.
        folder: the folder for the outputs, which lie below it as their inputs lie below a folder that was
            given.

    Raises:
        AernetError: two outputs would have one name, or an output would overwrite an input.
    """

    def __init__(self, inputs: Sequence[str], folder: Path) -> None:
        self._inputs = inputs
        self._folder = folder
        found = find_inputs(inputs, partial(is_earlier_output, folder=folder.resolve()))
        self._names = name_outputs(found.files, folder)
        self.left_out = found.left_out
        """What was left out of folders, and why."""
        self.unusable = found.failed
        """The inputs that name nothing which can be read, and why."""

    def __len__(self) -> int:
        """Return the number of pictures and videos."""
        return len(self._names)

    def segment(self, settings: Settings, watch: Watch = unwatched) -> Iterator[dict[str, Any]]:
        """Segment the inputs, and yield a row for each of them and for all that is left out.

        A row holds what JSON can hold: the "input"; its "status", which is "done", "skipped", "failed",
        "damaged" (of a video a part was lost) or "left out"; the paths of its outputs by their kinds; and
        what is known of it, such as "latency_ms" or "error".

        Args:
            settings: how to segment, and what to write.
            watch: shows the progress within a video or a download.

        Raises:
            AernetError: something is wrong that lets all inputs fail, such as a full disk.
        """
        if self._names:
            with Segmenter(
                settings.model,
                settings.device,
                settings.threshold,
                border=settings.border,
                keep=settings.keep,
            ) as segmenter:
                segmenting = Segmenting(segmenter, settings, watch)
                for done, (item, name) in enumerate(self._names.items()):
                    yield self._attempt(segmenting, item, name, done)
        for text, error in self.unusable.items():
            yield {"input": without_password(text), "status": "failed", "error": str(error)}
        for thing in self.left_out:
            yield {"input": str(thing.path), "status": "left out", "reason": thing.reason}

    def nothing_found(self) -> SourceError:
        """Return the error that the inputs, which are folders, hold no picture and no video."""
        return nothing_found(self._inputs, self.left_out)

    def _attempt(self, segmenting: Segmenting, item: Input, name: Path, done: int) -> dict[str, Any]:
        """Return the row of an input, which may have failed by itself.

        Raises:
            AernetError: something is wrong that lets all inputs fail.
        """
        try:
            return segmenting(item, name)
        except (AernetError, OSError, MemoryError) as error:
            if concerns_all(item, error, self._folder):
                raise AernetError(
                    f"{error}; stopped after {done} of {len(self)} inputs, as all would fail"
                ) from error
            return {"input": item.name, "status": "failed", "error": reason_of(item, error)}
