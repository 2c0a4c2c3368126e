"""A float32 model and its INT8 model in ONNX Runtime, in one run: speed of the network, and Jaccard of both.

Rounds alternate between the two, so that a busy machine slows both alike.
"""

from __future__ import annotations

import platform
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated

import numpy as np
import onnxruntime
import typer
from rich.progress import track

from aernet import Segmenter, preprocess, set_num_threads
from aernet.evaluation.evaluate import compare
from aernet.evaluation.metrics import bootstrap_mean
from aernet.models import resolve_model
from aernet.pairs import find_pairs, read_split
from aernet.pictures import example_pictures, read_picture
from aernet.runners.onnxruntime import OnnxRuntimeRunner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aernet.pairs import Pair


def main(
    float32: Annotated[str, typer.Argument(help="Bundled model, or the path of an ONNX file.")],
    int8: Annotated[str, typer.Argument(help="The INT8 model that was made from it.")],
    rounds: Annotated[int, typer.Option(help="Runs of each network.")] = 50,
    threads: Annotated[int, typer.Option(help="Threads of the processor.")] = 1,
    images: Annotated[Path | None, typer.Option(help="Folder or zip file of pictures.")] = None,
    masks: Annotated[Path | None, typer.Option(help="Folder or zip file of experts' masks.")] = None,
    split: Annotated[Path | None, typer.Option(help="CSV file with the columns image_id and subset.")] = None,
    subset: Annotated[str, typer.Option(help="The subset of --split.")] = "val",
) -> None:
    """Print a Markdown table."""
    set_num_threads(threads)
    models = {"float32": resolve_model(float32), "INT8": resolve_model(int8)}
    runners = {name: OnnxRuntimeRunner(path) for name, path in models.items()}
    image = preprocess(read_picture(example_pictures()[0]), next(iter(runners.values())).card.size)[None]
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, runner in runners.items():
            start = time.perf_counter()
            runner.infer(image)
            seconds[name].append(time.perf_counter() - start)
    pairs = find_pairs(images, masks, read_split(split, subset)) if images and masks and split else []
    processor = _of_processor("model name") or platform.processor()
    print(f"{processor}, {threads} thread(s), ONNX Runtime {onnxruntime.__version__}, {rounds} rounds")
    has_vnni = {"avx512_vnni", "avx_vnni"} & set(_of_processor("flags").split())
    print(f"The processor has VNNI: {'yes' if has_vnni else 'no'}\n")
    print("| | file | median | quickest | Jaccard (95 % interval) |\n|---|---|---|---|---|")
    scores = {name: _scores(path, pairs) for name, path in models.items()}
    for name, path in models.items():
        times = f"{1e3 * median(seconds[name]):.1f} ms | {1e3 * min(seconds[name]):.1f} ms"
        jaccard = f"{_mean(scores[name])}, n = {len(pairs)}" if pairs else "not asked for"
        print(f"| {name} | {path.stat().st_size / 1e6:.1f} MB | {times} | {jaccard} |")
    by_median, by_quickest = (pick(seconds["float32"]) / pick(seconds["INT8"]) for pick in (median, min))
    print(f"\nINT8 is {by_median:.2f} times as fast by the medians, {by_quickest:.2f} by the quickest rounds")
    if pairs:
        print(f"INT8 less float32, by picture: {_mean(np.subtract(scores['INT8'], scores['float32']))}")


def _scores(model: Path, pairs: list[Pair]) -> list[float]:
    """Return the Jaccard index of each picture at the model's own threshold."""
    with Segmenter(model, "cpu") as segmenter:
        return [compare(segmenter, pair, largest_only=False).scores.jaccard for pair in track(pairs)]


def _mean(values: Sequence[float]) -> str:
    mean = bootstrap_mean(values)
    return f"{mean.mean:.4f} ({mean.ci95[0]:.4f} to {mean.ci95[1]:.4f})"


def _of_processor(what: str) -> str:
    """Return a line of Linux's description of the processor; "" elsewhere."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.is_file() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith(what)), "")


if __name__ == "__main__":
    typer.run(main)
