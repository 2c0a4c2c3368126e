"""The measurements as text beside a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aernet.measure.captions import captions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PIL.ImageDraw import ImageDraw

    from aernet.arrays import HostImage
    from aernet.measure.measurements import Measurements

_LAST = ("Not a diagnosis. Structures (the D of the", "ABCD rule) are not measured.")
_LINES_ON_A_PICTURE = 40  # lines of text that are as high as the longer side of the picture
_LEAST_TEXT = 14  # pixels
_INK, _GROUND = (25, 25, 25), (255, 255, 255)


def draw_panel(
    picture: HostImage,
    measurements: Measurements,
    colours: Mapping[str, tuple[int, int, int]],
    labels: Mapping[str, tuple[int, int]],
    further: Mapping[str, str] | None = None,
) -> HostImage:
    """Return a picture with the measurements written at its right, in letters that grow with its longer side.

    Args:
        picture: uint8 BGR, H x W x 3.
        measurements: what to write.
        colours: the colours, BGR, of what is drawn over the picture, by the first word of its name here.
        labels: what to write over the picture, and where, (x, y); it is moved into the picture.
        further: what else to write, by what it is called.
    """
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - importing aernet does without

    size = max(_LEAST_TEXT, round(max(picture.shape) / _LINES_ON_A_PICTURE / 1.4))
    font = ImageFont.load_default(size)
    rows = [*captions(measurements), *(further or {}).items()]
    line, margin, swatch = round(1.4 * size), size, 2 * size
    names = max(font.getlength(name) for name, _ in rows)
    values = max(font.getlength(value) for _, value in rows)
    written = max(names + values + margin, *(font.getlength(text) for text in _LAST))
    width = round(swatch + written + 3 * margin)
    height = max(picture.shape[0], line * (len(rows) + len(_LAST) + 1) + 2 * margin)
    sheet = Image.new("RGB", (picture.shape[1] + width, height), _GROUND)
    photo = Image.fromarray(np.ascontiguousarray(picture[:, :, ::-1]))
    draw = ImageDraw.Draw(photo)
    for text, (x, y) in labels.items():
        place = min(max(size, x), photo.width - size), min(max(size, y), photo.height - size)
        draw.text(place, text, _GROUND, font, anchor="mm", stroke_width=max(1, size // 7), stroke_fill=_INK)
    sheet.paste(photo, (0, 0))
    draw = ImageDraw.Draw(sheet)
    left, right, top = picture.shape[1] + swatch + 2 * margin, sheet.width - margin, margin
    for name, value in rows:
        colour = colours.get(name.partition(" ")[0])
        if colour is not None:
            _draw_swatch(draw, (left - swatch - margin // 2, top), size, colour)
        draw.text((left, top), name, _INK, font)
        draw.text((right, top), value, _INK, font, anchor="ra")
        top += line
    for text in _LAST:
        top += line
        draw.text((left, top), text, _INK, font)
    return np.ascontiguousarray(np.asarray(sheet)[:, :, ::-1])


def _draw_swatch(draw: ImageDraw, corner: tuple[int, int], size: int, colour: tuple[int, int, int]) -> None:
    x, y = corner
    box = (x, y + size // 2, x + round(1.5 * size), y + size // 2 + max(3, size // 3))
    draw.rectangle(box, colour[::-1], _INK, max(1, size // 14))
