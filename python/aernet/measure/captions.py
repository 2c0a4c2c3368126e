"""The measurements in words and numbers, as a figure shows them beside the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aernet.measure.measurements import Measurements

UNKNOWN = "-"
"""What stands for a value that is not known."""

_SHOWN = 0.001  # a part below it would be written as nearly nothing
_COLOURS = ("black", "dark_brown", "light_brown", "red", "white", "blue_grey")


def captions(measurements: Measurements) -> Iterator[tuple[str, str]]:
    """Yield what each measurement is called and its value with the unit; millimetres where they are known."""
    m = measurements
    yield "Area", f"{m.area_px:,} px" if m.area_mm2 is None else f"{m.area_mm2:.4g} mm2"
    yield "Perimeter", _length(m.perimeter_px, m.perimeter_mm)
    yield "Longest diameter", _length(m.longest_diameter_px, m.longest_diameter_mm)
    yield "Shortest diameter", _length(m.shortest_diameter_px, m.shortest_diameter_mm)
    yield "Diameter of a disc of the area", _length(m.equivalent_diameter_px, m.equivalent_diameter_mm)
    shape, colour = m.shape_asymmetry or (None, None), m.colour_asymmetry_delta_e or (None, None)
    for number in (0, 1):
        yield f"Axis {number + 1}: asymmetry of shape", _share(shape[number])
        yield f"Axis {number + 1}: asymmetry of colour", _number(colour[number], "delta E {:.1f}")
    yield "Compactness", _number(m.compactness, "{:.2f}")
    yield "Solidity", _number(m.solidity, "{:.2f}")
    yield "Abrupt border", _number(m.abrupt_eighths, "{} of 8")
    yield "Colours above 5 %", _number(m.colour_count, "{} of 6")
    for name in _COLOURS:
        part = getattr(m, f"{name}_fraction")
        if part is not None and part >= _SHOWN:
            yield f"    {name.replace('_', ' ')}", _share(part)
    yield "Contrast with the skin", _number(m.contrast_delta_e, "delta E {:.1f}")
    yield "Regions", str(m.region_count)
    yield "Reaches the edge of the picture", "yes" if m.touches_frame else "no"


def _length(pixels: float | None, millimetres: float | None) -> str:
    return _number(pixels, "{:,.1f} px") if millimetres is None else f"{millimetres:.2f} mm"


def _share(part: float | None) -> str:
    return UNKNOWN if part is None else f"{100 * part:.1f} %"


def _number(value: float | None, form: str) -> str:
    return UNKNOWN if value is None else form.format(value)
