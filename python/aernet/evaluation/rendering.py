"""Pages by Jinja2 and figures by matplotlib: what the extra `report` is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from matplotlib import rc_context
from matplotlib.figure import Figure

from aernet.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

_TEMPLATES = Environment(
    loader=PackageLoader("aernet", ""),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(template: str, **values: object) -> str:
    """Return the text of a template with its values filled in; in HTML they are escaped.

    Args:
        template: path of the template below the package, such as "evaluation/report.html".
        values: what the template names.
    """
    return _TEMPLATES.get_template(template).render(values)


def axes_of(width: float, height: float) -> tuple[Figure, Axes]:
    """Return an empty figure of that many inches and its only axes, open at the top and on the right."""
    figure = Figure((width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def write_figure(path: Path, figure: Figure) -> None:
    """Write a figure as SVG; equal figures give equal files.

    Raises:
        AernetError: `path` cannot be written.
    """
    # Text stays text, so that it can be searched and read aloud; the salt makes equal figures equal files.
    svg = rc_context({"svg.fonttype": "none", "svg.hashsalt": "aernet"})
    with replacing(path) as temporary, svg:
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
