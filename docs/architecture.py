"""Draw the pictures of architecture.md: the rooms with the imports that are there, and a frame's way."""

from __future__ import annotations

import sys
from pathlib import Path

import grimp
import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCS = Path(__file__).parent
INK, PAPER, LINE = "#1d2b36", "#eef3f6", "#8aa0ae"
WAY = (
    ("frame", "frame"),
    ("resize, CIELAB\ncpp/cpu", "copy in, CIELAB\ncpp/cuda"),
    ("network\nONNX Runtime", "network\nTensorRT, one graph"),
    ("probability map\nHostPrediction", "probability map\nDevicePrediction"),
    ("mask\ncpp/cpu", "mask, queued\ncpp/cuda"),
    ("Segmentation", "Segmentation\none wait"),
)


def layers() -> list[list[str]]:
    """Return the rooms by layer, the highest first, as pyproject.toml has them."""
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = project["tool"]["importlinter"]["contracts"]
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def imports(rooms: set[str]) -> set[tuple[str, str]]:
    """Return which room imports which, late imports and those for types included.

    An import is left out where a longer way leads to the same room.
    """
    graph = grimp.build_graph("aernet", cache_dir=None)
    found = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = tuple(".".join(name.split(".")[:2]) for name in (module, imported))
            if pair[0] != pair[1] and set(pair) <= rooms:
                found.add(pair)
    reached = set(found)
    for middle in rooms:
        reached |= {
            (upper, lower)
            for upper, through in reached
            for also, lower in reached
            if through == also == middle
        }
    return {
        (upper, lower)
        for upper, lower in found
        if not any((upper, room) in reached and (room, lower) in reached for room in rooms)
    }


def box(axes: mpl.axes.Axes, x: float, y: float, width: float, text: str) -> None:
    """Draw a box of height 0.5 around a centre."""
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - 0.25), width, 0.5, boxstyle="round,pad=0.02", facecolor=PAPER, edgecolor=INK
        )
    )
    axes.text(x, y, text, ha="center", va="center", color=INK, fontsize=8)


def save(figure: Figure, name: str) -> None:
    """Write an SVG that is the same at every run."""
    with mpl.rc_context({"svg.hashsalt": "aernet", "svg.fonttype": "none"}):
        figure.savefig(DOCS / name, metadata={"Date": None}, bbox_inches="tight", facecolor="white")


def draw_rooms() -> None:
    """Draw rooms.svg."""
    rows = layers()
    figure = Figure(figsize=(10, 0.62 * len(rows)))
    axes = figure.add_subplot()
    axes.axis("off")
    place = {
        room: (12 * (index + 0.5) / len(row), -number)
        for number, row in enumerate(rows)
        for index, room in enumerate(row)
    }
    for upper, lower in sorted(imports(set(place))):
        (x, y), (to_x, to_y) = place[upper], place[lower]
        style = {"arrowstyle": "->", "color": LINE, "connectionstyle": "arc3,rad=0.08"}
        axes.annotate("", (to_x, to_y + 0.27), (x, y - 0.27), arrowprops=style)
    for room, (x, y) in place.items():
        box(axes, x, y, 2.0, room.removeprefix("aernet."))
    axes.set_xlim(-0.5, 12.5)
    axes.set_ylim(-len(rows) + 0.5, 0.5)
    save(figure, "rooms.svg")


def draw_way() -> None:
    """Draw frame.svg."""
    figure = Figure(figsize=(12, 2.4))
    axes = figure.add_subplot()
    axes.axis("off")
    for row, name in enumerate(("processor", "GPU")):
        axes.text(-1.4, -row, name, ha="left", va="center", color=INK, fontsize=9, weight="bold")
        for step, texts in enumerate(WAY):
            box(axes, 2.1 * step + 0.6, -row, 1.8, texts[row])
            if step:
                axes.annotate(
                    "", (2.1 * step - 0.33, -row), (2.1 * step - 0.57, -row), arrowprops={"arrowstyle": "->"}
                )
    axes.set_xlim(-1.5, 12.2)
    axes.set_ylim(-1.5, 0.5)
    save(figure, "frame.svg")


if __name__ == "__main__":
    draw_rooms()
    draw_way()
