"""Whole folders of pictures and videos: inputs and settings in, a stream of rows out."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from itertools import starmap
from typing import TYPE_CHECKING, Any

import cv2

from aernet._native import get_num_threads
from aernet.archive.failures import concerns_all, reason_of
from aernet.archive.inputs import find_inputs, nothing_found
from aernet.archive.journal import Journal
from aernet.archive.kinds import KINDS
from aernet.archive.one_picture import make_picture
from aernet.archive.outputs import is_earlier_output, name_outputs, require_apart
from aernet.archive.segmenting import MEASURED, Segmenting, Stopped
from aernet.archive.standing import UNKNOWN
from aernet.archive.table import open_table
from aernet.archive.watching import unwatched
from aernet.archive.workers import in_order
from aernet.errors import AernetError, SourceError, did_you_mean
from aernet.files import remove_remains, replacing, sha256_of
from aernet.models import DEFAULT, resolve_model
from aernet.segmenter import Segmenter
from aernet.threads import shared_among
from aernet.video.sources.network import without_password

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping, Sequence
    from pathlib import Path

    from aernet.archive.inputs import Input
    from aernet.archive.kinds import Join
    from aernet.archive.one_picture import OtherMachines
    from aernet.archive.watching import Watch
    from aernet.borders import BorderName
    from aernet.regions import Keep


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How inputs are segmented, and what is written of them."""

    kinds: Collection[str] = ()
    """What to write beside masks, such as "overlay" and "geojson"; see `aernet.archive.kinds`."""
    table: Path | None = None
    """A table of all inputs, .csv or .parquet; None writes none. See `aernet.archive.table`."""
    model: str = DEFAULT
    """The model, device, threshold, border and keep are as `Segmenter` takes them."""
    device: str = "auto"
    threshold: float | None = None
    border: BorderName | None = None
    keep: Keep = "all"
    overwrite: bool = False
    """Whether to write outputs that exist already, instead of skipping their inputs."""
    described: bool = False
    """Whether the rows of what is done now tell of the lesion, which takes a while to measure.

    With a table, all rows do.
    """
    jobs: int | None = None
    """How many inputs are read, segmented and written at once; None takes as many as there are threads."""


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

    def segment(
        self, settings: Settings, watch: Watch = unwatched, machines: OtherMachines | None = None
    ) -> Generator[dict[str, Any], None, None]:
        """Segment the inputs, and yield a row for each of them and for all that is left out, in order.

        A row holds what JSON can hold: the "input"; its "status", which is "done", "skipped", "failed",
        "damaged" (of a video a part was lost) or "left out"; the paths of its outputs by their kinds; and
        what is known of it, such as "latency_ms" or "error". "again" says why outputs of an earlier run were
        made again.

        An input that an earlier run has finished is skipped if it is the same, and was segmented and written
        with the same settings; a journal in the folder of the outputs tells. If the iterator is closed, the
        run ends with what is under way.

        Args:
            settings: how to segment, and what to write.
            watch: shows the progress within a video or a download; called on several threads.
            machines: segment the pictures with these settings, such as `aernet.scale.Cluster`; None does so
                here, where videos and files are seen to in any case.

        Raises:
            AernetError: something is wrong that lets all inputs fail, such as a full disk; or another run
                writes into the folder.
        """
        if self._names:
            yield from self._segment(settings, watch, machines)
        for text, error in self.unusable.items():
            yield {"input": without_password(text), "status": "failed", "error": str(error)}
        for thing in self.left_out:
            yield {"input": str(thing.path), "status": "left out", "reason": thing.reason}

    def _segment(
        self, settings: Settings, watch: Watch, machines: OtherMachines | None
    ) -> Generator[dict[str, Any], None, None]:
        _require_kinds(settings.kinds)
        require_apart(self._names, self._folder, settings.kinds)
        jobs = min(settings.jobs or (machines.jobs if machines else get_num_threads()), len(self))
        with ExitStack() as stack:
            segmenter = stack.enter_context(_open_segmenter(settings, jobs))
            journal = stack.enter_context(closing(Journal(self._folder)))
            begun = [self._folder / output for output in journal.unfinished()]
            # The masks of a video are a folder; the output folder has files of the whole run.
            for folder in {self._folder, *begun, *(path.parent for path in begun)}:
                remove_remains(folder)
            joins = {name: join for name in settings.kinds if (join := KINDS[name].join) is not None}
            self._require_known(joins, journal, overwrite=settings.overwrite)
            segmenting = Segmenting(
                segmenter,
                machines or partial(make_picture, segmenter),
                journal,
                self._folder,
                settings=_made_by(settings, segmenter),
                kinds={*settings.kinds, *([MEASURED] * (settings.table is not None))},
                described=settings.described,
                overwrite=settings.overwrite,
                watch=watch,
            )
            tabulate = None
            if settings.table is not None:
                tabulate = stack.enter_context(open_table(settings.table, overwrite=settings.overwrite))
            attempt = partial(self._attempt, segmenting)
            attempts = in_order(attempt, self._names.items(), jobs, segmenting.stop)
            failed: set[Input] = set()
            rows = zip(self._names, stack.enter_context(closing(attempts)), strict=True)
            for done, (item, row) in enumerate(rows):
                if row is None:
                    raise AernetError(
                        f"{segmenting.failure}; stopped after {done} of {len(self)} inputs, as all would fail"
                    ) from segmenting.failure
                if tabulate is not None:
                    tabulate(row)
                if row["status"] == "failed":
                    failed.add(item)
                yield row
            if len(failed) < len(self):
                self._join(joins, journal, segmenting, failed)

    def _require_known(self, kinds: Collection[str], journal: Journal, *, overwrite: bool) -> None:
        """Raise SourceError if the file of the whole run of one of the kinds is there and is nobody's."""
        for kind in kinds:
            file = self._folder / KINDS[kind].ending
            if file.exists() and not overwrite and not journal.has_pieces(kind):
                raise SourceError(f"{file}: {UNKNOWN}")

    def _join(
        self, joins: Mapping[str, Join], journal: Journal, segmenting: Segmenting, failed: Collection[Input]
    ) -> None:
        """Write the files of the whole run, with the pieces of all that did not fail."""
        for kind, join in joins.items():
            usable = (one for one in self._names.items() if one[0] not in failed)
            pieces = join(journal.pieces(kind, starmap(segmenting.key, usable)))
            with replacing(self._folder / KINDS[kind].ending) as temporary, temporary.open("wb") as file:
                file.writelines(pieces)

    def nothing_found(self) -> SourceError:
        """Return the error that the inputs, which are folders, hold no picture and no video."""
        return nothing_found(self._inputs, self.left_out)

    def _attempt(self, segmenting: Segmenting, named: tuple[Input, Path]) -> dict[str, Any] | None:
        """Return the row of an input, which may have failed by itself; None if all inputs fail."""
        item, name = named
        try:
            return segmenting(item, name)
        except Stopped:
            return None
        except cv2.error as error:
            if error.code != cv2.Error.StsNoMem:
                raise
            return {"input": item.name, "status": "failed", "error": reason_of(item, MemoryError())}
        except (AernetError, OSError, MemoryError) as error:
            if not concerns_all(item, error, self._folder):
                return {"input": item.name, "status": "failed", "error": reason_of(item, error)}
            segmenting.stop(error)
            return None


def _require_kinds(kinds: Collection[str]) -> None:
    for kind in kinds:
        if kind not in KINDS:
            raise AernetError(
                f"kinds: {kind!r} is none, expected {', '.join(KINDS)}{did_you_mean(kind, KINDS)}"
            )


def _open_segmenter(settings: Settings, jobs: int) -> Segmenter:
    """Open the segmenter; on the CPU, each of the jobs has its share of the threads for the network."""
    with shared_among(jobs):
        return Segmenter(
            settings.model,
            settings.device,
            settings.threshold,
            border=settings.border,
            keep=settings.keep,
        )


def _made_by(settings: Settings, segmenter: Segmenter) -> dict[str, Any]:
    """Return what makes outputs what they are, beside the input."""
    content = sha256_of(resolve_model(settings.model))
    return {
        "model": f"{segmenter.card.name} {segmenter.card.version} (sha256 {content[:16]})",
        "threshold": segmenter.threshold,
        "keep": segmenter.keep,
    }
