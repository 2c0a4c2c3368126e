"""Segments inputs, each by itself, and writes its outputs."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Event
from typing import TYPE_CHECKING, Any

from aernet.archive.journal import Entry
from aernet.archive.kinds import KINDS, VIDEO_ENDINGS
from aernet.archive.one_picture import Order
from aernet.archive.outputs import OF_THE_RUN, files_of
from aernet.archive.standing import Again, source_of, why_again
from aernet.errors import SourceError
from aernet.files import remove, replacing
from aernet.video.offline import segment_video
from aernet.video.sources.videofile import VideoFile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from aernet.archive.inputs import Input
    from aernet.archive.journal import Journal, Source
    from aernet.archive.one_picture import MakePicture
    from aernet.archive.watching import Advance, Watch
    from aernet.segmenter import Segmenter

MEASURED = "measurements"
"""What the journal calls it, among the kinds of outputs, that the row of a picture tells of the lesion."""


@dataclass(frozen=True)
class _Task:
    """An input with what is to become of it."""

    item: Input
    key: str
    """What the journal calls it."""
    kinds: frozenset[str]
    """What is to be written of it."""
    files: Mapping[str, Path]
    """The files to write, by their kinds."""
    every: Mapping[str, Path]
    """All files that it may have, by their kinds."""
    entry: Entry | None
    """What the journal says of it."""

    @property
    def row(self) -> dict[str, Any]:
        """The beginning of its row."""
        return {"input": self.item.name, **{kind: str(file) for kind, file in self.files.items()}}


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The run ends before an input is done."""


class Segmenting:
    """Segments inputs with the same settings; several threads may share it.

    Args:
        segmenter: takes BGR frames of videos, and keeps the regions that the settings say.
        make_picture: makes the outputs of pictures.
        journal: what is done already.
        folder: the folder of the outputs.
        settings: how the outputs are made, by which the journal knows them.
        kinds: the kinds of outputs to write, such as "overlay"; and `MEASURED`, if all rows are to tell of
            the lesion.
        described: whether the rows of what is done now tell of the lesion.
        overwrite: whether to write outputs that exist already.
        watch: shows the progress within a video or a download.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        make_picture: MakePicture,
        journal: Journal,
        folder: Path,
        *,
        settings: Mapping[str, Any],
        kinds: Collection[str],
        described: bool,
        overwrite: bool,
        watch: Watch,
    ) -> None:
        self._segmenter = segmenter
        self._make_picture = make_picture
        self._journal = journal
        self._folder = folder
        self._settings = settings
        measured = any(kind == MEASURED or KINDS[kind].described for kind in kinds)
        self._picture_kinds = frozenset({"mask", *kinds, *([MEASURED] * measured)})
        self._measured = frozenset([MEASURED] * (measured or described))
        self._video_kinds = frozenset({"masks", "track", *(VIDEO_ENDINGS.keys() & set(kinds))})
        self._overwrite = overwrite
        self._watch = watch
        self._stopping = Event()
        self.failure: Exception | None = None
        """What lets all inputs fail; None if nothing does."""

    def stop(self, failure: Exception | None = None) -> None:
        """End the run before all inputs are done.

        Args:
            failure: what lets all inputs fail.
        """
        self.failure = self.failure or failure
        self._stopping.set()

    def __call__(self, item: Input, name: Path) -> dict[str, Any]:
        """Segment an input, unless it is done, and return its row.

        Args:
            item: the picture or video.
            name: the path of its outputs, which lacks their endings.

        Raises:
            SourceError: the input is no picture or video that can be used, or its outputs exist and are not
                known to be its own; the message names it.
            FrameError: the network gives no probabilities for it.
            AernetError: an output cannot be written, or the segmenter's device fails.
            Stopped: the run ends.
        """
        if self._stopping.is_set():
            raise Stopped
        task = self._task(item, name)
        if item.is_from_the_web:
            again = self._why_again(task, None)
            if again is None:
                return task.row | _skipped(task)
            with item.opened(self._watched) as path:
                return self._make(task, path, again)
        with item.opened(self._watched) as path:
            again = self._why_again(task, path)
            return task.row | _skipped(task) if again is None else self._make(task, path, again)

    def key(self, item: Input, name: Path) -> str:
        """Return what the journal calls an input: the path of its first output below the folder."""
        return next(iter(files_of(item, name).values())).relative_to(self._folder).as_posix()

    def _task(self, item: Input, name: Path) -> _Task:
        every = files_of(item, name)
        kinds = self._video_kinds if item.is_video else self._picture_kinds
        files = {kind: file for kind, file in every.items() if kind in kinds}
        key = self.key(item, name)
        return _Task(item, key, kinds, files, every, self._journal.entry(key))

    def _why_again(self, task: _Task, path: Path | None) -> Again | None:
        if self._overwrite:
            return Again()
        return why_again(task.item, path, task.files, task.entry, self._settings, task.kinds)

    def _make(self, task: _Task, path: Path, again: Again) -> dict[str, Any]:
        """Segment an input, write its outputs and return its row."""
        item = task.item
        try:
            source = source_of(item, path)
            make = self._video if item.is_video else self._picture
            facts, pieces = make(task, path, source, again)
        except SourceError as error:
            raise SourceError(str(error).replace(str(path), item.name)) from error
        if "error" in facts:
            facts["error"] = facts["error"].replace(str(path), item.name)
        kept = {fact: value for fact, value in facts.items() if fact not in {"status", "latency_ms"}}
        kinds = task.kinds
        if not item.is_video:
            kinds |= self._measured
        if task.entry is not None and not again.others_too:
            # What was begun only has none of the measurements and pieces that the journal keeps.
            kinds |= task.entry.kinds if task.entry.done else task.entry.kinds & task.every.keys()
            if not item.is_video:
                kept = {**task.entry.facts, **kept}
        self._journal.write(task.key, Entry(source, self._settings, kinds, kept, done=True), pieces)
        reason = {"again": again.reason} if again.reason else {}
        return task.row | {"status": "done"} | reason | facts

    def _begin(self, task: _Task, source: Source, again: Again) -> None:
        """Note that outputs are about to be written, and remove those that would not go with them."""
        earlier = task.entry.kinds if task.entry else frozenset()
        others = [kind for kind in sorted(earlier - task.kinds - {MEASURED}) if again.others_too]
        if others:
            # Without settings, so that the run after one that is killed here removes them too.
            self._journal.write(task.key, Entry(source, {}, task.kinds | earlier, {}, done=False))
            for kind in others:
                remove(task.every[kind] if kind in task.every else self._folder / OF_THE_RUN[kind])
        begun = Entry(source, self._settings, (task.kinds | earlier).difference(others), {}, done=False)
        self._journal.write(task.key, begun)

    def _picture(
        self, task: _Task, path: Path, source: Source, again: Again
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Segment a picture, write its files, and return its facts and its pieces of the run's files."""
        kinds = task.kinds - {MEASURED}
        facts, contents = self._make_picture(
            path, Order(task.item.name, *_paths(task), kinds, measured=bool(self._measured))
        )
        self._begin(task, source, again)
        for kind, file in task.files.items():
            with replacing(file) as temporary:
                temporary.write_bytes(contents.pop(kind))
        return facts, contents

    def _video(
        self, task: _Task, path: Path, source: Source, again: Again
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Segment a video, write its files, and return its facts; no file of the run has a piece of it."""
        self._begin(task, source, again)
        with self._watched(path.name, VideoFile(path).count()) as advance:
            facts = segment_video(
                self._segmenter,
                path,
                task.files,
                settings=self._settings,
                afresh=self._overwrite,
                on_frame=lambda: advance(1),
            )
        return facts, {}

    @contextmanager
    def _watched(self, name: str, total: int | None) -> Iterator[Advance]:
        """Show the progress, and raise `Stopped` at the next step if the run is to end."""
        with self._watch(name, total) as advance:

            def proceed(count: int) -> None:
                if self._stopping.is_set():
                    raise Stopped
                advance(count)

            yield proceed


def _skipped(task: _Task) -> dict[str, Any]:
    """Return what the row of an input that is done tells beside its files."""
    facts = task.entry.facts if task.entry else {}
    return {"status": "damaged" if "damaged_frames" in facts else "skipped", **facts}


def _paths(task: _Task) -> tuple[str, str]:
    """Return the paths of a picture's file below the folder that was given, and from that of its outputs."""
    below = PurePosixPath(task.key).parent / task.item.below.name
    if task.item.address:
        return str(below), below.name
    source, outputs = Path(task.item.name).resolve(), task.files["mask"].parent.resolve()
    on_one_drive = source.anchor == outputs.anchor
    beside = Path(os.path.relpath(source, outputs)) if on_one_drive else source
    return str(below), beside.as_posix()
