"""Measure preprocessing and mask on one thread and on two.

They are called back to back, and once in 33 ms as by live video. The outputs are fresh arrays, as in
`Segmenter`. Let nothing else run meanwhile; where something must, put `sudo chrt -f 1` before the command.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cv2
import typer
from rich.console import Console
from rich.table import Table

from aernet import Segmenter, mask_from_probability, preprocess, set_num_threads
from aernet.files import replacing
from aernet.pictures import example_pictures, read_picture
from aernet.processor import processor

if TYPE_CHECKING:
    from collections.abc import Callable

FRAMES = {"1080p": (1920, 1080), "4K": (3840, 2160)}
PERIODS = {"back to back": 0.0, "once in 33 ms": 0.033}
THREADS = (1, 2)
RUN = 10  # calls in a row on as many threads: caches and clocks are then as in use


@dataclass(frozen=True)
class Row:
    """The medians of one task."""

    task: str
    frame: str
    called: str
    one_thread_ms: float
    two_threads_ms: float
    times_as_fast: float


def medians(call: Callable[[], object], period: float, rounds: int) -> list[float]:
    """Return the median of each number of threads in milliseconds; their runs take turns."""
    times = defaultdict(list)
    for _ in range(rounds):
        for threads in THREADS:
            set_num_threads(threads)
            call()
            for _ in range(RUN):
                time.sleep(period)
                start = time.perf_counter()
                call()
                times[threads].append((time.perf_counter() - start) * 1000)
    return [statistics.median(times[threads]) for threads in THREADS]


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each number of threads has a run.")] = 20,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the results as JSON.")] = None,
) -> None:
    """Measure preprocessing and mask on one thread and on two."""
    picture = read_picture(example_pictures()[0])
    with Segmenter() as segmenter:
        probability = segmenter(picture).probability
    rows = []
    for frame, (width, height) in FRAMES.items():
        pixels = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
        nv12 = cv2.resize(picture[..., 0], (width, height * 3 // 2))
        tasks: dict[str, Callable[[], object]] = {
            "preprocess": lambda pixels=pixels: preprocess(pixels),
            "preprocess, NV12": lambda nv12=nv12: preprocess(nv12, colour="nv12"),
            "mask": lambda h=height, w=width: mask_from_probability(probability, h, w),
        }
        for task, call in tasks.items():
            for called, period in PERIODS.items():
                one, two = medians(call, period, rounds)
                rows.append(Row(task, frame, called, one, two, one / two))

    table = Table(
        "task",
        "frame",
        "called",
        "1 thread, ms",
        "2 threads, ms",
        "times as fast",
        title=f"{processor()}, {os.cpu_count()} cores",
    )
    for row in rows:
        figures = (row.one_thread_ms, row.two_threads_ms, row.times_as_fast)
        table.add_row(row.task, row.frame, row.called, *(f"{figure:.2f}" for figure in figures))
    Console().print(table)
    if json_file:
        with replacing(json_file) as path:
            path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
