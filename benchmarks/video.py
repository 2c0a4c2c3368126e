"""Measure live video: how steady the outline is, and how fast and even the pipeline runs.

`steadiness` runs the bundled model on the synthetic dermatoscope, whose lesions and motion are known, and
smooths its answers in several ways. `live` runs `aernet-trt live test:// --record --track`. `planes` compares
frames in NV12 with frames in BGR. Each writes its table into docs/video.md.

Needs `pip install ".[video]"`; `live` wants the machine to itself, and Linux for the memory.
"""

from __future__ import annotations

import csv
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated

import av
import cv2
import numpy as np
import typer
from rich.progress import track

from aernet import Nv12Frame, Segmenter
from aernet.files import replacing
from aernet.processor import processor
from aernet.video import Pipeline
from aernet.video.motion import Motion, shrink
from aernet.video.smoothing import Smoothing
from aernet.video.sources.synthetic import SyntheticDermatoscope
from aernet.video.stabilizer import scaled

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Mask = npt.NDArray[np.uint8]

DOCUMENT = Path(__file__).parents[1] / "docs" / "video.md"
FPS = 30
SCENE = 8 * FPS  # frames of the dermatoscope on one lesion: first still, then moving
MOVES_FROM = SCENE // 2 + FPS // 2
SIZE = (640, 360)  # at which masks are compared
LAGS = range(6)  # frames
VARIANTS = {
    "none": None,
    "mean over 0.1 s, picture taken as still": (0.1, False),
    "mean over 0.05 s along the motion": (0.05, True),
    "mean over 0.1 s along the motion (the default)": (0.1, True),
    "mean over 0.2 s along the motion": (0.2, True),
}

app = typer.Typer(add_completion=False)


class Variant:
    """One way of smoothing, and what it has come to."""

    def __init__(self, how: tuple[float, bool] | None) -> None:
        self._smoothing = Smoothing(how[0]) if how else None
        self._moves = how is not None and how[1]
        self._before: Mask | None = None
        self.flicker: list[float] = []
        self.jaccard: list[float] = []
        self.by_lag: dict[int, list[float]] = {lag: [] for lag in LAGS}

    def add(
        self,
        probability: npt.NDArray[np.float32],
        found: npt.NDArray[np.float64] | None,
        known: npt.NDArray[np.float64] | None,
        threshold: float,
    ) -> Mask:
        """Take a frame's answer, the motion as it was found and as it truly was; return the mask."""
        if self._smoothing is not None:
            motion = found if self._moves or found is None else np.eye(2, 3)
            probability = self._smoothing(probability, motion, 1 / FPS)
        at_size = cv2.resize(probability, SIZE)
        mask = cv2.compare(at_size, np.full_like(at_size, threshold), cv2.CMP_GE)
        if known is not None and self._before is not None:
            aligned = cv2.compare(
                cv2.warpAffine(self._before, known, SIZE), np.full_like(at_size, threshold), cv2.CMP_GE
            )
            seen = cv2.warpAffine(np.full_like(mask, 255), known, SIZE, flags=cv2.INTER_NEAREST)
            self.flicker.append(1 - overlap(aligned & seen, mask & seen))
        self._before = at_size
        return mask

    def cells(self) -> tuple[str, ...]:
        """Return flicker, lag and Jaccard as a table has them."""
        lag = max(LAGS, key=lambda lag: mean(self.by_lag[lag]))
        return f"{mean(self.flicker):.2%}", str(lag), f"{mean(self.jaccard):.4f}"


def overlap(one: Mask, other: Mask) -> float:
    """Return the Jaccard index of two masks, 1 for two empty ones."""
    union = cv2.countNonZero(one | other)
    return cv2.countNonZero(one & other) / union if union else 1.0


@app.command()
def steadiness(
    seeds: Annotated[int, typer.Option(help="How many runs of the dermatoscope, 40 seconds each.")] = 2,
) -> None:
    """Flicker, lag and accuracy of several ways of smoothing."""
    variants = {name: Variant(how) for name, how in VARIANTS.items()}
    with Segmenter() as segmenter:
        for seed in range(seeds):
            measure(segmenter, SyntheticDermatoscope(fps=FPS, seed=seed), variants)
        model = f"{segmenter.card.name} {segmenter.card.version}"
    lines = [
        f"Model {model}, {40 * seeds} seconds at 1280 x 720 and {FPS} frames a second.",
        "",
        "| smoothing | flicker | lag, frames | mean Jaccard |",
        "|---|---|---|---|",
        *(f"| {name} | {' | '.join(variant.cells())} |" for name, variant in variants.items()),
    ]
    write("steadiness", lines)


def measure(segmenter: Segmenter, source: SyntheticDermatoscope, variants: dict[str, Variant]) -> None:
    """Run all five lesions of one seed through all variants."""
    follow = Motion()
    truths: list[Mask] = []
    to_size = np.diag([SIZE[0] / source.size[0], SIZE[1] / source.size[1], 1])
    to_size[:2, 2] = (np.diag(to_size)[:2] - 1) / 2
    for index in track(range(5 * SCENE), description=f"seed {source.seed}"):
        picture = source.picture(index)
        small = shrink(picture)
        probability = segmenter(picture).probability
        found = scaled(follow(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)), small.shape[:2], probability.shape)
        truths.append(cv2.resize(source.truth(index), SIZE, interpolation=cv2.INTER_NEAREST))
        known = source.motion(index) if index else None
        if known is not None:
            known = (to_size @ np.vstack([known, [0, 0, 1]]) @ np.linalg.inv(to_size))[:2]
        for variant in variants.values():
            mask = variant.add(probability, found, known, segmenter.threshold)
            variant.jaccard.append(overlap(mask, truths[-1]))
            if index % SCENE >= MOVES_FROM:
                for lag in LAGS:
                    variant.by_lag[lag].append(overlap(mask, truths[index - lag]))


@app.command()
def live(
    duration: Annotated[float, typer.Option(help="Seconds.")] = 600,
    source: Annotated[str, typer.Option(help="As `aernet-trt live` takes it.")] = "test://",
) -> None:
    """Rate, latency and memory of `aernet-trt live SOURCE --view none --record out.mp4 --track out.csv`."""
    memory: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        video, table = Path(folder) / "out.mp4", Path(folder) / "out.csv"
        command = [Path(sys.executable).with_name("aernet-trt"), "live", source, "--view", "none"]
        command += ["--record", video, "--track", table, "--duration", str(duration)]
        begin = time.perf_counter()
        with subprocess.Popen(command) as process:  # noqa: S603 - our own
            while process.poll() is None:
                memory.append((time.perf_counter() - begin, resident_mib(process.pid)))
                time.sleep(1)
        if process.returncode:
            raise typer.Exit(process.returncode)
        with table.open(encoding="utf-8", newline="") as lines:
            results = list(csv.DictReader(lines))
        with av.open(str(video)) as container:
            size = (container.streams.video[0].width, container.streams.video[0].height)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    moments = [float(result["seconds"]) for result in results]
    latencies = list(zip(moments, (float(result["latency_ms"]) for result in results), strict=True))
    minute = min(60.0, duration / 2)
    settled = [mib for moment, mib in memory if moment > minute]  # all lesions of the source have been seen
    seconds = moments[-1] - moments[0]
    rows = {
        "source": f"`{source}`, {size[0]} x {size[1]}, {duration:.0f} seconds",
        "frames a second": f"{(len(results) - 1) / seconds:.1f}",
        "frames dropped": f"{results[-1]['dropped']} of {int(results[-1]['frame']) + 1}",
        "latency p50, p99": milliseconds(latencies, 0, duration),
        "in the first minute": milliseconds(latencies, 0, minute),
        "in the last minute": milliseconds(latencies, moments[-1] - minute, duration),
        "cores busy": f"{(used.ru_utime + used.ru_stime) / seconds:.1f}",
        "memory after the first minute, at the end": f"{settled[0]:.0f} MiB, {settled[-1]:.0f} MiB",
    }
    write("live", ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


class Film:
    """Frames of the dermatoscope as a decoder gives them, handed on in NV12 or converted to BGR first."""

    name = "film"

    def __init__(self, *, live: bool, planes: bool, count: int) -> None:
        self.live = live
        self._planes = planes
        self._count = count
        dermatoscope = SyntheticDermatoscope(fps=FPS)
        self._frames = [nv12(dermatoscope.picture(index)) for index in range(2 * FPS)]
        self._height = dermatoscope.size[1]

    def frames(self) -> Iterator[tuple[Nv12Frame | Mask, float]]:
        """Yield the frames over and over; from a live film 30 a second."""
        begin = time.perf_counter()
        for index in range(self._count):
            if self.live:
                time.sleep(max(0, begin + index / FPS - time.perf_counter()))
            arrived = time.perf_counter() if self.live else index / FPS
            rows = self._frames[index % len(self._frames)]
            if self._planes:
                yield Nv12Frame(rows[: self._height], rows[self._height :]), arrived
            else:
                yield cv2.cvtColor(rows, cv2.COLOR_YUV2BGR_NV12), arrived


def nv12(picture: Mask) -> Mask:
    """Return a BGR picture of even sides in NV12, the rows of chroma below those of luma."""
    height, width = picture.shape[:2]
    planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    blue, red = planes[height:].reshape(2, height // 2, width // 2)
    return np.vstack([planes[:height], cv2.merge([blue, red]).reshape(-1, width)])


@app.command()
def planes(
    count: Annotated[int, typer.Option(help="Frames of each run.")] = 150,
    rounds: Annotated[int, typer.Option(help="Runs of each kind; the kinds take turns.")] = 5,
) -> None:
    """Rate, latency and processor time with frames in NV12, beside the same frames in BGR, none shown."""
    cv2.setNumThreads(1)
    kinds = {"BGR, converted by OpenCV in the source": False, "NV12": True}
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    used: dict[str, list[float]] = {kind: [] for kind in kinds}
    latencies: dict[str, list[float]] = {kind: [] for kind in kinds}
    load = os.getloadavg()[0]
    with Segmenter(device="cpu") as segmenter:
        for turn in range(rounds):
            for kind, as_planes in list(kinds.items())[:: -1 if turn % 2 else 1]:
                film = Film(live=False, planes=as_planes, count=count)
                begin, processor_begin = time.perf_counter(), time.process_time()
                for _result in Pipeline(segmenter, film):
                    pass
                rates[kind].append(count / (time.perf_counter() - begin))
                used[kind].append((time.process_time() - processor_begin) / count * 1000)
                camera = Film(live=True, planes=as_planes, count=count)
                latencies[kind] += [result.latency_ms for result in Pipeline(segmenter, camera, retry=False)]
    lines = [
        (
            f"1280 x 720, {rounds} runs of {count} frames of each kind in turns, medians of the runs. "
            f"Other programs kept {load:.1f} threads busy or waiting (load average at the start)."
        ),
        "",
        "| frames | from a file, a second | processor time a frame | from a camera, latency p50, p99 |",
        "|---|---|---|---|",
    ]
    for kind in kinds:
        low, high = np.percentile(latencies[kind], [50, 99])
        lines.append(
            f"| {kind} | {np.median(rates[kind]):.1f} | {np.median(used[kind]):.1f} ms "
            f"| {low:.1f} ms, {high:.1f} ms |"
        )
    write("planes", lines)


def milliseconds(latencies: list[tuple[float, float]], begin: float, end: float) -> str:
    """Return the median and the 99th percentile between two moments."""
    chosen = [latency for moment, latency in latencies if begin <= moment <= end]
    return "{:.1f} ms, {:.1f} ms".format(*np.percentile(chosen, [50, 99]))


def resident_mib(process: int) -> float:
    """Return how much memory a process holds."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def write(name: str, lines: list[str]) -> None:
    """Put lines, and where they come from, between the marks of that name in the document."""
    today = datetime.now(timezone.utc).date()
    command = " ".join(["benchmarks/video.py", *sys.argv[1:]])
    origin = f"By `{command}` on {processor()}, {os.cpu_count()} cores, {today}."
    print("\n".join(lines))
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    text = DOCUMENT.read_text(encoding="utf-8")
    new = re.sub(
        f"{begin}.*?{end}",
        lambda _: "\n".join([begin, *lines, "", origin, "", end]),
        text,
        flags=re.DOTALL,
    )
    with replacing(DOCUMENT) as temporary:
        temporary.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    app()
