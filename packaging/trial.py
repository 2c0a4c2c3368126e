"""Installs a wheel as a user would, and segments the bundled pictures with it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from interpreters import find_interpreter, new_environment
from one_wheel import ROOT, WORK

if TYPE_CHECKING:
    from pathlib import Path


def segment_examples(version: str, wheel: Path) -> str:
    """Install a wheel into a new environment of its Python; return a line on the masks that it made there.

    Raises:
        SystemExit: there is not one mask for each picture.
    """
    folder = WORK / f"trial-{version}"
    python = new_environment(find_interpreter(version), folder)
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
    masks = folder / "masks"
    subprocess.run(
        [folder / "bin" / "aernet-trt", "segment", ROOT / "examples", "-o", masks], cwd=folder, check=True
    )
    pictures = {path.stem for path in (ROOT / "examples").glob("*.jpg")}
    missing = pictures - {path.name.removesuffix("_mask.png") for path in masks.rglob("*_mask.png")}
    if missing:
        raise SystemExit(f"{wheel.name}: no masks of {', '.join(sorted(missing))}")
    return f"{len(pictures)} pictures segmented in a new environment"
