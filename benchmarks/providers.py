"""How fast OpenVINO runs the bundled models beside ONNX Runtime's own CPU provider, and how its masks agree.

Every round runs each contender once, in turn and after a rest, so that whatever else the machine does hits
all alike. Times are medians; a ratio is the median over the rounds of the CPU provider's time over the
contender's in the same round, with its quartiles. "One" is a run of the network on all threads, as a call of
a segmenter takes it; "two" are two runs side by side on half of the threads each, as `submit` takes them.

The masks are those of `Segmenter` at the pictures' own size, compared with the CPU provider's.

Needs `onnxruntime-openvino` in the place of `onnxruntime`.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import onnxruntime
import typer

from aernet import preprocess
from aernet._native import get_num_threads
from aernet.inputs import find_pictures
from aernet.models import bundled_models
from aernet.pictures import example_pictures, read_picture
from aernet.processor import processor
from aernet.runners.comparison import agreement_of
from aernet.runners.onnxruntime import OnnxRuntimeRunner
from aernet.runners.providers import CPU, openvino
from aernet.threads import shared_among

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

REST = 0.05
PROVIDERS = {
    "CPU provider": CPU,
    "OpenVINO, float32": openvino("f32"),
    "OpenVINO, bfloat16": openvino("bf16"),
}


def contenders(model: Path, image: npt.NDArray[np.float32]) -> dict[tuple[str, str], Callable[[], object]]:
    """Return what runs the network once, and twice side by side, by provider and number of runs."""
    runs: dict[tuple[str, str], Callable[[], object]] = {}
    pool = ThreadPoolExecutor(2)
    for title, provider in PROVIDERS.items():
        whole = OnnxRuntimeRunner(model, provider)
        runs[title, "one"] = lambda whole=whole: whole.infer(image)
        if get_num_threads() > 1:
            with shared_among(2):
                half = OnnxRuntimeRunner(model, provider)
            runs[title, "two"] = lambda half=half: list(pool.map(half.infer, [image, image]))
    return runs


def measure(
    runs: dict[tuple[str, str], Callable[[], object]], rounds: int
) -> dict[tuple[str, str], list[float]]:
    """Return milliseconds by contender and round, after three rounds that do not count."""
    times: dict[tuple[str, str], list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 3):
        for name, run in runs.items():
            time.sleep(REST)
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: values[3:] for name, values in times.items()}


def main(
    rounds: Annotated[int, typer.Option(min=5, help="How often each contender runs.")] = 60,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder of pictures whose masks are compared; else the bundled ones.")
    ] = None,
) -> None:
    """Print Markdown tables."""
    image = preprocess(read_picture(example_pictures()[0]))[None]
    day = datetime.now(timezone.utc).date().isoformat()
    print(f"{processor()}, {get_num_threads()} threads, ONNX Runtime {onnxruntime.__version__}, {day}\n")
    print("| model | frames at once | | median | times as fast as the CPU provider (quartiles) |")
    print("|---|---|---|---|---|")
    for name, path in bundled_models().items():
        times = measure(contenders(path, image), rounds)
        for (title, count), values in sorted(times.items(), key=lambda item: item[0][1]):
            ratios = np.divide(times["CPU provider", count], values)
            low, middle, high = np.percentile(ratios, [25, 50, 75])
            ratio = f"{middle:.2f} ({low:.2f} to {high:.2f})"
            print(f"| {name} | {count} | {title} | {np.median(values):.1f} ms | {ratio} |", flush=True)
    files = find_pictures([pictures]) if pictures else example_pictures()
    print("\n| model | | mean Dice | worst Dice | pictures | within the bound |\n|---|---|---|---|---|---|")
    for name, path in bundled_models().items():
        reference = OnnxRuntimeRunner(path)
        for title, provider in list(PROVIDERS.items())[1:]:
            found = agreement_of(OnnxRuntimeRunner(path, provider), reference, files)
            dices = f"{found.mean_dice:.5f} | {found.worst_dice:.5f} | {found.pictures}"
            within = "yes" if found.passes("fp32") else "no"
            print(f"| {name} | {title} | {dices} | {within} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
