"""Segments one input after another and writes its outputs."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING, Any

import cv2

from aernet.cli.mask_note import read_note, with_note
from aernet.cli.outputs import files_of
from aernet.errors import SourceError
from aernet.files import fingerprint, replacing
from aernet.pictures import read_picture
from aernet.video.extent import extent_row
from aernet.video.offline import segment_video
from aernet.video.sources.videofile import VideoFile

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from rich.progress import Progress

    from aernet.cli.inputs import Input
    from aernet.segmentation import Segmentation
    from aernet.segmenter import Segmenter


class Segmenting:
    """Segments inputs with the same settings.

    Args:
        segmenter: takes BGR pictures.
        kinds: the kinds of outputs to write, such as "mask".
        progress: shows the progress within a video or a download.
        largest: whether only the largest region counts, its holes filled.
        afresh: whether to write outputs that exist already.
        described: whether the records of pictures tell of the lesion, which takes a while to measure.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        kinds: Collection[str],
        progress: Progress,
        *,
        largest: bool,
        afresh: bool,
        described: bool,
    ) -> None:
        self._segmenter = segmenter
        self._kinds = kinds
        self._progress = progress
        self._largest = largest
        self._afresh = afresh
        self._described = described

    def __call__(self, item: Input, output: Path) -> dict[str, Any]:
        """Segment an input, unless all its outputs exist, and return its record for JSON.

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
        record: dict[str, Any] = {"input": item.name, **{kind: str(file) for kind, file in files.items()}}
        if not (item.is_video or self._afresh) and _exist(files):
            self._require_same(item, files["mask"])
            return record | {"status": "skipped"}
        with item.opened(self._progress) as path:
            try:
                facts = self._video(path, files) if item.is_video else self._picture(item, path, files)
            except SourceError as error:
                raise SourceError(str(error).replace(str(path), item.name)) from error
        if "error" in facts:
            facts["error"] = facts["error"].replace(str(path), item.name)
        return record | {"status": "done"} | facts

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
            with item.opened(self._progress) as path:
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
            "keep": "largest" if self._largest else "all",
        }

    def _picture(self, item: Input, path: Path, files: Mapping[str, Path]) -> dict[str, Any]:
        result = self._segmenter(read_picture(path))
        if self._largest:
            result = result.largest()
        facts: dict[str, Any] = {"latency_ms": round(result.latency_ms, 3)}
        if self._described:
            facts = self._describe(result) | facts
        for kind, file in files.items():
            if kind == "mask":
                note = self._note(item, None if item.is_from_the_web else path)
                content = with_note(cv2.imencode(".png", result.mask)[1].tobytes(), note)
            elif kind == "overlay":
                content = cv2.imencode(".jpg", result.overlay())[1].tobytes()
            else:
                borders = [contour.tolist() for contour in result.contours()]
                content = dumps({"input": item.name, **facts, "contours": borders}).encode()
            with replacing(file) as temporary:
                temporary.write_bytes(content)
        return facts

    def _describe(self, result: Segmentation[Any]) -> dict[str, Any]:
        """Return what a record tells of a picture, as the track of a video tells it of a frame."""
        height, width = result.mask.shape
        calibrated = result.quality is not None
        return {
            "width": width,
            "height": height,
            "area_fraction": result.area_fraction,
            **extent_row(result.mask),
            "expected_dice": round(result.expected_dice, 4) if calibrated else None,
            "needs_review": result.needs_review if calibrated else None,
            "threshold": result.threshold,
            "model": self._segmenter.card.name,
        }

    def _video(self, path: Path, files: Mapping[str, Path]) -> dict[str, Any]:
        task = self._progress.add_task(path.name, total=VideoFile(path).count())
        try:
            return segment_video(
                self._segmenter,
                path,
                files,
                largest=self._largest,
                afresh=self._afresh,
                on_frame=lambda: self._progress.advance(task),
            )
        finally:
            self._progress.remove_task(task)


def _exist(files: Mapping[str, Path]) -> bool:
    """Tell whether all outputs of a picture are there."""
    try:
        return all(file.is_file() for file in files.values())
    except OSError:  # such as a name that is too long, which writing will tell
        return False
