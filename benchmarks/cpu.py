"""Measure this project beside its peers on the CPU, in one run: preprocessing, mask, whole pipeline.

Every round runs each contender once, in turn and after a rest, so that whatever else the machine does hits
all alike; medians are reported. The peers:

- OpenCV + NumPy: the chain that defines the colour contract (float, area resize, CIELAB, scale, clip, planes)
  and the mask contract (bilinear resize, compare);
- scikit-image: `resize_local_mean` and `rgb2lab`;
- segmentation_models_pytorch: its U-Net with the efficientnet-b1 encoder (random weights), exported to ONNX,
  in ONNX Runtime behind what its users write: OpenCV's area resize of the bytes, RGB standardised; its mask.

Needs `pip install ".[benchmark]"`.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
import time
import warnings
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
import onnxruntime
import pytest
import segmentation_models_pytorch as smp
import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from skimage import color, transform

from aernet import Segmenter, mask_from_probability, prediction, preprocess, set_num_threads
from aernet._native import __version__, get_num_threads
from aernet.files import replacing
from aernet.pictures import example_pictures, read_picture
from aernet.processor import processor
from aernet.runners import onnxruntime as runner

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Contenders = dict[str, Callable[[], object]]

REST = 0.05
SIZE = 256
THRESHOLD = 0.5
FRAMES = {"1080p": (1920, 1080), "4K": (3840, 2160)}
PACKAGES = (
    "numpy",
    "opencv-python",
    "onnxruntime",
    "scikit-image",
    "segmentation-models-pytorch",
    "torch",
)
HEADER = ("task", "frame", "threads", "contender", "ms", "times aernet", "share")


@dataclass(frozen=True)
class Row:
    """One contender's median in one task."""

    task: str
    frame: str
    threads: int
    contender: str
    median_ms: float
    times_aernet: float
    """This median over that of aernet's own step."""
    share: float | None = None
    """This median over that of the pipeline it is a step of."""

    def cells(self) -> tuple[str, ...]:
        """Return what a table shows, in the order of `HEADER`."""
        share = "" if self.share is None else f"{self.share:.1%}"
        figures = (f"{self.median_ms:.2f}", f"{self.times_aernet:.2f}", share)
        return (self.task, self.frame, str(self.threads), self.contender, *figures)


def opencv_lab(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Compute the colour contract with OpenCV and NumPy."""
    small = cv2.resize(frame.astype(np.float32) / 255, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    lightness, a, b = cv2.split(cv2.cvtColor(small, cv2.COLOR_BGR2LAB))
    return np.clip(np.stack([lightness / 100, (a + 128) / 255, (b + 128) / 255]), 0, 1)


def skimage_lab(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Compute the same with scikit-image."""
    small = transform.resize_local_mean(
        frame[..., ::-1].astype(np.float32) / 255, (SIZE, SIZE), channel_axis=-1
    )
    lab = (color.rgb2lab(small) + np.array([0, 128, 128])) / np.array([100, 255, 255])
    return np.clip(np.moveaxis(lab, -1, 0), 0, 1).astype(np.float32)


def opencv_mask(probability: npt.NDArray[np.float32], width: int, height: int) -> npt.NDArray[np.uint8]:
    """Compute the mask contract with OpenCV."""
    return cv2.compare(cv2.resize(probability, (width, height)), THRESHOLD, cv2.CMP_GE)


class SmpPipeline:
    """The U-Net of segmentation_models_pytorch as its users deploy it without a GPU."""

    def __init__(self) -> None:
        self.session = _smp_session()
        mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        self.scale = (1 / (255 * deviation)).astype(np.float32)
        self.offset = (-mean / deviation).astype(np.float32)

    def prepare(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Resize, standardise, and put channels first."""
        small = cv2.resize(frame, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB) * self.scale + self.offset
        return np.ascontiguousarray(rgb.transpose(2, 0, 1)[None])

    def infer(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Run the network."""
        (probability,) = self.session.run(["probability"], {"image": image})
        return probability[0, 0]

    def upsample(self, probability: npt.NDArray[np.float32], frame: npt.NDArray[np.uint8]) -> object:
        """Bring the probability map to the frame's size and threshold it."""
        return opencv_mask(probability, frame.shape[1], frame.shape[0])

    def __call__(self, frame: npt.NDArray[np.uint8]) -> object:
        """Frame to full-size mask."""
        return self.upsample(self.infer(self.prepare(frame)), frame)


def _smp_session() -> onnxruntime.InferenceSession:
    torch.manual_seed(0)
    network = smp.Unet("efficientnet-b1", encoder_weights=None, classes=1, activation="sigmoid").eval()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's, of its own internals
        path = Path(folder) / "smp.onnx"
        names = {"input_names": ["image"], "output_names": ["probability"]}
        torch.onnx.export(
            network, (torch.zeros(1, 3, SIZE, SIZE),), path, **names, dynamo=True, verbose=False
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = get_num_threads()
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _rest() -> None:
    """Let the threads of the one before, which spin for a while, come to rest, but keep the core awake."""
    end = time.perf_counter() + REST
    while time.perf_counter() < end:
        pass


def medians(contenders: Contenders, rounds: int, description: str) -> dict[str, float]:
    """Return each contender's median in milliseconds, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in track(range(rounds + 1), description, console=Console(stderr=True), transient=True):
        for name, run in contenders.items():
            _rest()
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def measure_steps(picture: npt.NDArray[np.uint8], rounds: int) -> list[Row]:
    """Preprocessing and mask alone, on one thread and on as many as each library takes by itself."""
    rows = []
    defaults = get_num_threads(), cv2.getNumThreads()
    with Segmenter() as segmenter:
        probability = segmenter(picture).probability
    for name, (width, height) in FRAMES.items():
        frame = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
        for ours, theirs in dict.fromkeys([(1, 1), defaults]):
            set_num_threads(ours)
            cv2.setNumThreads(theirs)
            tasks: dict[str, Contenders] = {
                "preprocess": {
                    "aernet": lambda frame=frame: preprocess(frame, SIZE),
                    "OpenCV + NumPy": lambda frame=frame: opencv_lab(frame),
                    "scikit-image": lambda frame=frame: skimage_lab(frame),
                },
                "mask": {
                    "aernet": lambda w=width, h=height: mask_from_probability(probability, h, w, THRESHOLD),
                    "OpenCV": lambda w=width, h=height: opencv_mask(probability, w, h),
                },
            }
            for task, contenders in tasks.items():
                found = medians(contenders, rounds, f"{task}, {name}, {ours} threads")
                rows += [Row(task, name, ours, who, ms, ms / found["aernet"]) for who, ms in found.items()]
    return rows


class Steps:
    """Times the steps of a pipeline from within, where each finds the caches as the step before left them."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}

    def timed(self, name: str, step: Callable[..., object]) -> Callable[..., object]:
        """Return the step with a clock around it."""
        times = self.times.setdefault(name, [])

        def run(*arguments: object, **options: object) -> object:
            start = time.perf_counter()
            result = step(*arguments, **options)
            times.append((time.perf_counter() - start) * 1000)
            return result

        return run


def measure_pipeline(picture: npt.NDArray[np.uint8], rounds: int) -> list[Row]:
    """A 1080p frame to its full-size mask, whole and in its steps."""
    frame = cv2.resize(picture, FRAMES["1080p"], interpolation=cv2.INTER_CUBIC)
    steps = {"aernet": Steps(), "smp U-Net": Steps()}
    peer = SmpPipeline()
    with Segmenter() as segmenter, pytest.MonkeyPatch.context() as patch:
        for target, name, step in (
            (runner, "preprocess", "preprocess"),
            (prediction, "mask_from_probability", "mask"),
        ):
            patch.setattr(target, name, steps["aernet"].timed(step, getattr(target, name)))
        for name, step in (("prepare", "preprocess"), ("upsample", "mask")):
            patch.setattr(peer, name, steps["smp U-Net"].timed(step, getattr(peer, name)))
        found = medians(
            {"aernet": lambda: segmenter(frame), "smp U-Net": lambda: peer(frame)}, rounds, "pipeline, 1080p"
        )
    for whole, own in steps.items():
        for step, times in own.times.items():
            found[f"{whole}: {step}"] = statistics.median(times[1:])
        # The network is what the other two steps leave.
        found[f"{whole}: network"] = found[whole] - found[f"{whole}: preprocess"] - found[f"{whole}: mask"]
    rows = []
    for whole in steps:
        for step in ("", ": preprocess", ": network", ": mask"):
            ratio = found[whole + step] / found["aernet" + step]
            share = found[whole + step] / found[whole] if step else None
            rows.append(
                Row("pipeline", "1080p", get_num_threads(), whole + step, found[whole + step], ratio, share)
            )
    return rows


def machine() -> dict[str, str]:
    """Name what the figures were measured on and with."""
    return {
        "CPU": processor(),
        "cores": str(os.cpu_count()),
        "system": platform.platform(terse=True),
        "date": datetime.now(timezone.utc).date().isoformat(),
        "Python": platform.python_version(),
        "aernet": __version__,
        **{package: version(package) for package in PACKAGES},
    }


def conclusions(rows: list[Row]) -> list[str]:
    """Say in words what the rows at 1080p come to; the steps on one thread."""
    found = {(row.task, row.contender): row for row in reversed(rows) if row.frame == "1080p"}
    opencv, skimage = found["preprocess", "OpenCV + NumPy"], found["preprocess", "scikit-image"]
    mask = found["mask", "OpenCV"]
    ours, theirs = found["pipeline", "aernet"], found["pipeline", "smp U-Net"]
    steps = [found["pipeline", f"aernet: {step}"].median_ms for step in ("preprocess", "mask")]
    return [
        f"Preprocessing: {opencv.times_aernet:.1f} times as fast as OpenCV + NumPy.",
        f"Preprocessing: {skimage.times_aernet:.1f} times as fast as scikit-image.",
        f"Mask: {mask.times_aernet:.1f} times as fast as OpenCV.",
        f"Frame to full-size mask: {1000 / ours.median_ms:.1f} frames a second.",
        f"Frame to full-size mask: {theirs.times_aernet:.2f} times as fast as the smp U-Net.",
        f"Preprocessing and mask together: {sum(steps) / ours.median_ms:.1%} of the way from frame to mask.",
    ]


def markdown(rows: list[Row], on: dict[str, str], rounds: int) -> str:
    """Return the results as a page."""
    lines = [
        "# CPU benchmark",
        "",
        f"Written by `benchmarks/cpu.py --markdown`: medians of {rounds} rounds, all in turn.",
        "",
        *(f"- {key}: {value}" for key, value in on.items()),
        "",
        "At 1080p, the steps on one thread:",
        "",
        *(f"- {line}" for line in conclusions(rows)),
        "",
        f"| {' | '.join(HEADER)} |",
        f"|{'---|' * len(HEADER)}",
        *(f"| {' | '.join(row.cells())} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def main(
    rounds: Annotated[int, typer.Option(min=3, help="How often each contender runs.")] = 30,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the results as JSON.")] = None,
    markdown_file: Annotated[Path | None, typer.Option("--markdown", help="Write them as a page.")] = None,
) -> None:
    """Measure aernet beside its peers on the CPU."""
    picture = read_picture(example_pictures()[0])
    on = machine()
    rows = measure_pipeline(picture, rounds) + measure_steps(picture, rounds)

    table = Table(*HEADER, title=f"{on['CPU']}, {on['cores']} cores, medians of {rounds} rounds")
    for row in rows:
        table.add_row(*row.cells())
    console = Console()
    console.print(table)
    for line in conclusions(rows):
        console.print(line)
    if json_file:
        results = {"machine": on, "rounds": rounds, "rows": [asdict(row) for row in rows]}
        with replacing(json_file) as path:
            path.write_text(json.dumps(results, indent=2) + "\n")
    if markdown_file:
        with replacing(markdown_file) as path:
            path.write_text(markdown(rows, on, rounds))


if __name__ == "__main__":
    typer.run(main)
