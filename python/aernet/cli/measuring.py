"""Measures one picture after another, by masks of a model or by masks that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from aernet.archive.failures import concerns_all, reason_of
from aernet.containers import open_container
from aernet.errors import AernetError, SourceError
from aernet.files import replacing
from aernet.masks import decode_mask
from aernet.measure import measure_mask
from aernet.measure.figure import draw_figure
from aernet.measure.row import lesion_row
from aernet.pairs import expert_masks, require_one_size
from aernet.pictures import mm_per_pixel_of, read_picture
from aernet.regions import largest_region
from aernet.result_files import jpeg_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.archive.inputs import Input
    from aernet.archive.watching import Watch
    from aernet.arrays import HostImage
    from aernet.measure.measurements import Value
    from aernet.measure.scale import MmPerPixel
    from aernet.segmenter import Segmenter


class Measured(NamedTuple):
    """What was measured of a picture."""

    row: dict[str, Value | str]
    """The row of a table, without the file's name."""
    figure: HostImage | None
    """The picture with the measurements, uint8 BGR, if it was wanted."""


class Measurer(Protocol):
    """Measures the lesion of a picture."""

    def __call__(
        self, item: Input, picture: HostImage, mm_per_pixel: MmPerPixel | None, *, figure: bool
    ) -> Measured:
        """Measure the lesion of an input, whose picture is uint8 BGR, H x W x 3; see `measure_mask`."""


class ByModel:
    """Measures the mask that a model gives."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    def __call__(
        self,
        item: Input,  # noqa: ARG002
        picture: HostImage,
        mm_per_pixel: MmPerPixel | None,
        *,
        figure: bool,
    ) -> Measured:
        """Measure a picture; see `Measurer`."""
        result = self._segmenter(picture)
        row = result.row(mm_per_pixel) | {"model": self._segmenter.card.name}
        return Measured(row, result.figure(mm_per_pixel) if figure else None)


class ByMasks:
    """Measures masks of a folder or zip file, each called as its picture and an ending.

    Args:
        masks: the folder or zip file.
        ending: what the name of a mask has behind its picture's.
        largest: whether only the largest region counts, its holes filled.

    Raises:
        SourceError: there is no such folder or zip file, it holds no mask, or two of one name.
    """

    def __init__(self, masks: Path, ending: str, *, largest: bool) -> None:
        self._container = open_container(masks)
        self._names = expert_masks(self._container, ending)
        self._ending = ending
        self._largest = largest

    def __call__(
        self, item: Input, picture: HostImage, mm_per_pixel: MmPerPixel | None, *, figure: bool
    ) -> Measured:
        """Measure a picture; see `Measurer`."""
        stem = item.below.stem
        if stem not in self._names:
            raise SourceError(f"{item.name}: no mask {stem}{self._ending}.png in {self._container.path}")
        name = self._names[stem]
        mask = decode_mask(self._container.data(name), f"{self._container.path}/{name}")
        require_one_size(item.name, picture, mask)
        if self._largest:
            mask = largest_region(mask)
        measurements = measure_mask(mask, picture, mm_per_pixel)
        row: dict[str, Value | str] = {
            **lesion_row(mask, measurements),
            **dict.fromkeys(("expected_dice", "needs_review", "threshold", "model")),
        }
        return Measured(row, draw_figure(picture, mask, measurements) if figure else None)


class Measuring:
    """Measures inputs with the same settings.

    Args:
        measurer: measures a picture.
        mm_per_pixel: the distance of neighbouring pixels in millimetres, for all pictures; None takes that
            which a DICOM picture states.
        watch: shows the progress within a download.
    """

    def __init__(self, measurer: Measurer, mm_per_pixel: float | None, watch: Watch) -> None:
        self._measurer = measurer
        self._mm_per_pixel = mm_per_pixel
        self._watch = watch

    def __call__(self, item: Input, figure: Path | None, done: str) -> dict[str, Any]:
        """Return the row of an input, whose "status" is "measured", or "failed" and then tells the "error".

        Args:
            item: the picture.
            figure: where to write the figure, if it is wanted.
            done: how many inputs are done, in words.

        Raises:
            AernetError: something is wrong that lets all inputs fail.
        """
        file = item.below.name
        try:
            return {"file": file, "status": "measured", **self._measured(item, figure)}
        except (AernetError, OSError, MemoryError) as error:
            if concerns_all(item, error, figure.parent if figure else item.root):
                raise AernetError(f"{error}; stopped after {done} inputs, as all would fail") from error
            return {"file": file, "status": "failed", "error": reason_of(item, error)}

    def _measured(self, item: Input, figure: Path | None) -> dict[str, Any]:
        with item.opened(self._watch) as path:
            try:
                picture = read_picture(path)
                scale = self._mm_per_pixel or mm_per_pixel_of(path)
            except SourceError as error:
                raise SourceError(str(error).replace(str(path), item.name)) from error
        row, drawn = self._measurer(item, picture, scale, figure=figure is not None)
        if figure is not None and drawn is not None:
            with replacing(figure) as temporary:
                temporary.write_bytes(jpeg_bytes(drawn))
        return row
