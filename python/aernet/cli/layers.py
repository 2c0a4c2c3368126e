"""The layers of an engine as `build-engine` and `inspect` print them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aernet.engine.layers import Layer


def print_layers(layers: Sequence[Layer]) -> None:
    """Print a row for each layer, and below them how many are fused and what types they write."""
    table = Table("layer", "kind", "reads", "writes", Column("ONNX nodes", overflow="fold"))
    for layer in layers:
        types = (_counted(layer.inputs), _counted(layer.outputs))
        table.add_row(*map(Text, (layer.name, layer.kind, *types, " + ".join(layer.nodes))))
    written = _counted([kind for layer in layers for kind in layer.outputs])
    fused = sum(len(layer.nodes) > 1 for layer in layers)
    console = Console(highlight=False)
    console.print(table)
    summary = f"{len(layers)} layers, {fused} of them of several ONNX nodes; tensors written: {written}"
    console.print(summary, soft_wrap=True)


def _counted(types: Sequence[str]) -> str:
    """Return each type once, with how often it is there if it is so more than once."""
    return ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in Counter(types).items())
