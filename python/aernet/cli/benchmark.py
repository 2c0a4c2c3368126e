"""`aernet-trt benchmark`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from aernet.cli.options import Device, Model
from aernet.models import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from aernet.segmenter import Pending, Segmenter

    Frames = Sequence[npt.NDArray[np.uint8]]
    Percentiles = dict[str, float]

_WHOLE = "frame to mask"
_FLOOR = "floor: "
_PERCENTILES = (50, 90, 99)
_LEAST = 5  # runs, however long they take


def benchmark(
    frame: Annotated[
        str, typer.Option(metavar="WIDTHxHEIGHT", help="Size of the frame in pixels, such as 3840x2160.")
    ] = "1920x1080",
    seconds: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="How long to measure, in all.")
    ] = 5,
    model: Model = DEFAULT,
    device: Device = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON to stdout.")] = False,
) -> None:
    """Time the way from a frame in memory to its full-size mask in memory, without a camera.

    Beside it stands the floor, the least that this can take: the network alone, and on a GPU plain copies of
    the frame and the mask. Frames a second are those of calls one after the other, and of two at once.
    """
    from json import dumps

    from rich.console import Console
    from rich.table import Column, Table

    from aernet.segmenter import Segmenter

    frames = _frames(frame)
    with Segmenter(model, device) as segmenter:
        milliseconds, rates = _measure(segmenter, frames, seconds)
        machine = _machine(segmenter)
    floor = sum(percentiles["p50"] for name, percentiles in milliseconds.items() if name.startswith(_FLOOR))
    times_the_floor = milliseconds[_WHOLE]["p50"] / floor
    if json:
        figures = {
            "machine": machine,
            "frame": frame,
            "milliseconds": milliseconds,
            "times_the_floor": times_the_floor,
            "frames_per_second": rates,
        }
        typer.echo(dumps(figures, indent=2))
        return
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for name, value in machine.items():
        console.print(f"{name}: {value}")
    columns = (Column(f"p{percentile}", justify="right", no_wrap=True) for percentile in _PERCENTILES)
    table = Table("milliseconds", *columns, title=frame)
    for name, percentiles in milliseconds.items():
        table.add_row(name, *(f"{value:.3f}" for value in percentiles.values()))
    console.print(table)
    console.print(f"{_WHOLE}: {times_the_floor:.2f} times the floor, medians")
    for name, rate in rates.items():
        console.print(f"{name}: {rate:.1f} frames a second")


def _frames(size: str) -> Frames:
    """Return pictures of a lesion, so many that the caches do not hold a large one."""
    import cv2
    import numpy as np

    from aernet.pictures import example_pictures, read_picture

    sides = re.fullmatch(r"(\d+)x(\d+)", size)
    if sides is None or not all(1 <= int(side) <= 16384 for side in sides.groups()):
        raise typer.BadParameter(f"--frame: expected WIDTHxHEIGHT, each 1 to 16384, found {size!r}")
    picture = read_picture(example_pictures()[0])
    frame = cv2.resize(picture, (int(sides[1]), int(sides[2])), interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(view, np.uint8) for view in (frame, frame[::-1], frame[:, ::-1])]


def _measure(
    segmenter: Segmenter, frames: Frames, seconds: float
) -> tuple[dict[str, Percentiles], dict[str, float]]:
    """Return percentiles by what was timed, and throughputs by how many frames are under way."""
    from collections import deque
    from itertools import cycle
    from time import perf_counter

    from aernet.cli.timing import measurements

    endless = cycle(frames)
    steps, floor = measurements(segmenter.runner)
    runs: list[dict[str, float]] = []
    under_way: deque[Pending] = deque()

    def each_in_turn() -> None:
        """Time all in one round, so that whatever else the machine does hits all alike."""
        frame = next(endless)
        start = perf_counter()
        segmenter(frame)
        whole = {_WHOLE: (perf_counter() - start) * 1000}
        least = {_FLOOR + name: value for name, value in floor(next(endless)).items()}
        runs.append(whole | steps(next(endless)) | least)

    def one_by_one() -> None:
        segmenter(next(endless))

    def two_at_a_time() -> None:
        under_way.append(segmenter.submit(next(endless)))
        if len(under_way) == 2:
            under_way.popleft().result()

    for warm_up in (each_in_turn, one_by_one, two_at_a_time):
        _rate(warm_up, seconds / 30)
    runs.clear()
    _rate(each_in_turn, seconds * 0.5)
    rates = {
        "one frame at a time": _rate(one_by_one, seconds * 0.2),
        "two at a time": _rate(two_at_a_time, seconds * 0.2),
    }
    return _percentiles(runs), rates


def _rate(run: Callable[[], None], seconds: float) -> float:
    """Return how often a second something can be done, having done it for so long."""
    from time import perf_counter

    count, start, elapsed = 0, perf_counter(), 0.0
    while count < _LEAST or elapsed < seconds:
        run()
        count += 1
        elapsed = perf_counter() - start
    return count / elapsed


def _percentiles(runs: Sequence[Mapping[str, float]]) -> dict[str, Percentiles]:
    import numpy as np

    return {
        name: {
            f"p{percentile}": float(np.percentile([run[name] for run in runs], percentile))
            for percentile in _PERCENTILES
        }
        for name in runs[0]
    }


def _machine(segmenter: Segmenter) -> dict[str, str]:
    """Name what the figures were measured on and with."""
    import os

    from aernet import _native
    from aernet.cli.gpus import clocks, described, jetson
    from aernet.processor import processor

    machine = {"processor": f"{processor()}, {os.cpu_count()} cores"}
    if board := jetson():
        machine["board"] = board
    if segmenter.device.startswith("cuda") and _native.cuda_version is not None:
        gpu = _native.Device(int(segmenter.device.removeprefix("cuda:")))
        machine |= {"gpu": described(gpu), "clocks": clocks(gpu)}
    if refusal := segmenter.runner.capture_refusal:
        machine["without a CUDA graph"] = refusal
    return machine | {
        "model": f"{segmenter.card.name} {segmenter.card.version}",
        "device": segmenter.device,
        "runtime": segmenter.runtime,
        "aernet": _native.__version__,
    }
