"""Run the PTX of the CUDA kernels on the processor and count what their warps do for one frame at 1080p.

No GPU is needed. PTX is what nvcc hands to the assembler of a GPU; machine instructions differ from it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from kernel_resources import filled, markdown_table

from aernet.files import replacing

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from fakes import ptx
from fakes.kernels import CHANNELS, Frames, PixelFormat

ARCHITECTURE = 87
HEIGHT, WIDTH, SIZE = 1080, 1920, 256


def frame(form: PixelFormat, rng: np.random.Generator) -> Frames:
    """Return a frame of noise, in rows without gaps."""
    pixels = rng.integers(0, 256, (1, HEIGHT, WIDTH, CHANNELS[form]), np.uint8)
    if form is not PixelFormat.NV12:
        return Frames(form, pixels)
    return Frames(form, pixels, rng.integers(0, 256, (1, HEIGHT // 2, WIDTH // 2, 2), np.uint8))


def lesion() -> np.ndarray:
    """Return the probability map of a round lesion with a soft border, 1 x S x S."""
    rows, columns = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    return (1 / (1 + np.exp((np.hypot(rows, columns) - SIZE / 4) / 2)))[None].astype(np.float32)


def counted(kernels: ptx.PtxKernels) -> dict[str, tuple[int, int]]:
    """Return the warp instructions and the sectors of each kernel."""
    rng = np.random.default_rng(0)
    results = {}
    before = kernels.counts()

    def note(name: str) -> None:
        nonlocal before
        after = kernels.counts()
        results[name] = (after[0] - before[0], after[1] - before[1])
        before = after

    for form in (PixelFormat.BGR, PixelFormat.BGRA, PixelFormat.GRAY, PixelFormat.NV12):
        kernels.preprocess(frame(form, rng), SIZE)
        note(f"preprocess, {form.name if form != PixelFormat.GRAY else 'gray'}")
    masks = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    kernels.mask(lesion(), masks, 0.5)
    note("mask")
    kernels.overlay(frame(PixelFormat.BGR, rng).pixels, np.full_like(masks, 255), ((0, 0, 255), 0.5))
    note("overlay, BGR")
    return results


def main(page: Annotated[Path | None, typer.Option(help="Renew the table of this page.")] = None) -> None:
    """Count warp instructions and sectors of memory of each kernel."""
    with tempfile.TemporaryDirectory() as name:
        modules = ptx.ptx_of_kernels(ARCHITECTURE, Path(name))
        library = ptx.compiled(modules, Path(name), "-DPTX_COUNT")
        results = counted(ptx.PtxKernels(library))
    rows = [
        [kernel, f"{instructions:,}", f"{sectors:,}"] for kernel, (instructions, sectors) in results.items()
    ]
    table = markdown_table(["kernel", "warp instructions", "sectors of 32 bytes"], rows)
    typer.echo(table)
    if page:
        text = filled(page.read_text(), {"instructions": table})
        with replacing(page) as path:
            path.write_text(text)


if __name__ == "__main__":
    typer.run(main)
