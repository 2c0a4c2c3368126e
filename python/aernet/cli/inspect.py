"""`aernet-trt inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from aernet.cli.cards import card_rows


def inspect(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="Bundled model, ONNX model, checkpoint, engine, or manifest of an engine."
        ),
    ],
    layers: Annotated[
        bool, typer.Option("--layers", help="Print an engine's layers: their types, and what is fused.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object, with all layers, to stdout.")
    ] = False,
) -> None:
    """Tell what a file is and says of itself; needs no GPU and no TensorRT.

    PyTorch (the extra `train`) reads checkpoints; with the extra `onnx`, the operators of a model are
    counted.
    """
    from json import dumps

    from msgspec import convert
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from aernet.cli.layers import print_layers
    from aernet.engine.layers import Layer
    from aernet.models import resolve_model

    path = resolve_model(file)
    facts = {"file": str(path)} | _describe(path)
    if layers:
        _require_layers(path, facts)
    facts["bytes"] = path.stat().st_size
    if json:
        typer.echo(dumps(facts, indent=2))
        return
    table = Table(Column(no_wrap=True), Column(overflow="fold"), show_header=False)
    for name, value in _flat(facts):
        table.add_row(name.replace("_", " "), Text(value))
    Console().print(table)
    if layers:
        print_layers(convert(facts["layers"], list[Layer]))


def _require_layers(file: Path, facts: dict[str, Any]) -> None:
    """Raise an error unless layers are known of a file."""
    from aernet.errors import EngineError

    if facts["kind"] not in {"engine", "manifest"}:
        raise EngineError(
            f"{file}: --layers: expected an engine, which 'aernet-trt build-engine' makes of a model"
        )
    if facts.get("layers") is None:
        raise EngineError(
            f"{file}: --layers: expected an engine whose manifest has its layers; build it again"
        )


def _describe(file: Path) -> dict[str, Any]:
    """Return what is known of a file, which its content tells, not its name."""
    from zipfile import is_zipfile

    from aernet.engine.compatibility import Machine
    from aernet.engine.inspect import describe_engine, describe_manifest
    from aernet.errors import ModelError, SourceError

    try:
        with file.open("rb") as opened:
            start = opened.read(4)
    except OSError as error:
        raise SourceError(f"{file}: cannot be read ({error.strerror})") from error
    if start in {b"ftrt", b"vtrt"} or file.suffix == ".engine":
        return describe_engine(file, Machine.here())
    if start.startswith(b"{"):
        return describe_manifest(file)
    if is_zipfile(file):  # as PyTorch writes checkpoints
        return _describe_checkpoint(file)
    try:
        return _describe_onnx(file)
    except ModelError:
        if file.suffix.lower() == ".onnx":
            raise
        raise ModelError(
            f"{file}: expected an ONNX model, a checkpoint, an engine or the manifest of one,"
            " found something else"
        ) from None


def _describe_onnx(file: Path) -> dict[str, Any]:
    from importlib.util import find_spec

    from msgspec import to_builtins

    from aernet.engine.inspect import describe_onnx
    from aernet.files import sha256_of
    from aernet.runners.onnxruntime import OnnxRuntimeRunner

    if find_spec("onnx"):
        return describe_onnx(file)
    card = to_builtins(OnnxRuntimeRunner(file).card)
    return {"kind": "onnx", "sha256": sha256_of(file), "card": card}


def _describe_checkpoint(file: Path) -> dict[str, Any]:
    from dataclasses import asdict

    from aernet.training.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(file)
    return {
        "kind": "checkpoint",
        "settings": asdict(checkpoint.settings),
        "learned_from": asdict(checkpoint.learned_from),
        "threshold": checkpoint.threshold,
        "parameters": sum(tensor.numel() for tensor in checkpoint.network.values()),
        "epochs_done": len(checkpoint.history),
        "last_epoch": checkpoint.history[-1] if checkpoint.history else None,
    }


def _flat(facts: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return rows of a table, without what is not known; what is nested goes under its names in a row."""
    from json import dumps

    from msgspec import to_builtins

    from aernet.models import ModelCard

    rows: list[tuple[str, str]] = []
    for name, value in facts.items():
        if name == "card":
            rows += ((f"card {part}", text) for part, text in card_rows(value))
        elif name == "metadata":
            rows += _flat({"card": to_builtins(ModelCard.from_metadata(value))})
        elif isinstance(value, dict) and name != "operators":
            rows += _flat(value, f"{prefix}{name} ")
        elif name == "layers" and value is not None:
            rows.append((prefix + name, str(len(value))))
        elif value is not None:
            rows.append((prefix + name, value if isinstance(value, str) else dumps(value)))
    return rows
