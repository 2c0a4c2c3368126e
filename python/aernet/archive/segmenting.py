"""Segments one input after another and writes its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aernet.archive.describe import describe
from aernet.archive.kinds import KINDS
from aernet.archive.mask_note import read_note, with_note
from aernet.archive.outputs import files_of
from aernet.errors import SourceError
from aernet.files import fingerprint, replacing
from aernet.pictures import read_picture
from aernet.video.offline import segment_video
from aernet.video.sources.videofile import VideoFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aernet.archive.archive import Settings
    from aernet.archive.inputs import Input
    from aernet.archive.watching import Watch
    from aernet.segmenter import Segmenter

_ALWAYS = {"mask", "masks", "track"}


class Segmenting:
    """Segments inputs with the same settings.

    Args:
        segmenter: takes BGR pictures, and keeps the regions that the settings say.
        settings: what to write.
        watch: shows the progress within a video or a download.
    """

    def __init__(self, segmenter: Segmenter, settings: Settings, watch: Watch) -> None:
        self._segmenter = segmenter
        self._kinds = _ALWAYS | set(settings.kinds)
        self._afresh = settings.overwrite
        self._described = settings.described or any(KINDS[kind].described for kind in settings.kinds)
        self._watch = watch

    def __call__(self, item: Input, output: Path) -> dict[str, Any]:
        """Segment an input, unless all its outputs exist, and return its row.

        The status is "done", "skipped", or "damaged" for a video of which a part was lost; then "error" says
        which.

        Args:
            item: the picture or video.
            output: the path of its outputs, which lacks their endings.

        Raises:
            SourceError: the input is no picture or video that can be used, or its outputs exist and are
                those of another one or of other settings; the message names it.
            FrameError: the network gives no probabilities for it.
            AernetError: an output cannot be written, or the segmenter's device fails.
        """
        files = {kind: file for kind, file in files_of(item, output).items() if kind in self._kinds}
        row: dict[str, Any] = {"input": item.name, **{kind: str(file) for kind, file in files.items()}}
        if not (item.is_video or self._afresh) and _exist(files):
            self._require_same(item, files["mask"])
            return row | {"status": "skipped"}
        with item.opened(self._watch) as path:
            try:
                facts = self._video(path, files) if item.is_video else self._picture(item, path, files)
            except SourceError as error:
                raise SourceError(str(error).replace(str(path), item.name)) from error
        if "error" in facts:
            facts["error"] = facts["error"].replace(str(path), item.name)
        return row | {"status": "done"} | facts

    def _require_same(self, item: Input, mask: Path) -> None:
        """Refuse to take the mask of another picture, or one made with other settings, for that of an input.

        Masks of earlier versions, which do not say what they are of, are taken; pictures from the web are
        known by their address.

        Raises:
            SourceError: the mask is another one.
            OSError: the input cannot be read.
        """
        noted = read_note(mask)
        if noted is None:
            return
        if item.is_from_the_web:
            expected = self._note(item)
        else:
            with item.opened(self._watch) as path:
                expected = self._note(item, path)
        if noted.get("picture") != expected["picture"]:
            raise SourceError(
                f"{item.name}: {mask} is the mask of another picture; choose another --output, or --overwrite"
            )
        for setting, value in expected.items():
            if noted.get(setting) != value:
                raise SourceError(
                    f"{item.name}: {mask} was made with {setting} {noted.get(setting)}, not {value};"
                    " choose another --output, or --overwrite"
                )

    def _note(self, item: Input, path: Path | None = None) -> dict[str, Any]:
        """Return what makes a mask what it is: the picture, by its file or else its address, and settings."""
        return {
            "picture": fingerprint(path) if path else item.name,
            "model": f"{self._segmenter.card.name} {self._segmenter.card.version}",
            "threshold": self._segmenter.threshold,
            "keep": self._segmenter.keep,
        }

    def _picture(self, item: Input, path: Path, files: Mapping[str, Path]) -> dict[str, Any]:
        result = self._segmenter(read_picture(path))
        facts = describe(result, self._segmenter.card.name) if self._described else {}
        for kind, file in files.items():
            content = KINDS[kind].content(result, {"input": item.name, **facts})
            if kind == "mask":
                content = with_note(content, self._note(item, None if item.is_from_the_web else path))
            with replacing(file) as temporary:
                temporary.write_bytes(content)
        return facts | {"latency_ms": round(result.latency_ms, 3)}

    def _video(self, path: Path, files: Mapping[str, Path]) -> dict[str, Any]:
        with self._watch(path.name, VideoFile(path).count()) as advance:
            return segment_video(
                self._segmenter,
                path,
                files,
                largest=self._segmenter.keep == "largest",
                afresh=self._afresh,
                on_frame=lambda: advance(1),
            )


def _exist(files: Mapping[str, Path]) -> bool:
    """Tell whether all outputs of a picture are there."""
    try:
        return all(file.is_file() for file in files.values())
    except OSError:  # such as a name that is too long, which writing will tell
        return False
