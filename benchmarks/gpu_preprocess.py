"""Measure the preprocess kernel beside its peers in one run: a frame on the GPU to the network's input.

Every round queues each contender's work on a number of frames, in turn, and waits for it; medians of the time
for one frame are reported. Peers that are not installed are left out:

- kornia on PyTorch: `interpolate(mode="area")`, `rgb_to_lab`, scale, float16;
- cuCIM on CuPy: `resize_local_mean`, `rgb2lab`, scale, float16;
- CV-CUDA: its area resize, float and planes; it has no CIELAB, so that its road ends with kornia's;
- OpenCV on the CPU: the chain that defines the colour contract, with the copy of its result to the GPU.

The bound is reading the frame once, at the speed that PyTorch's copy within the GPU's memory reaches.
Needs a GPU and PyTorch with CUDA; `pip install kornia cucim-cu13 cvcuda-cu13` for the peers.
"""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import asdict, dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import cv2
import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from aernet import _native, preprocess
from aernet.cli.gpus import clocks, described
from aernet.errors import AernetError
from aernet.files import replacing
from aernet.pictures import example_pictures, read_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

SIZE = 256
FRAMES = {"1080p": (1920, 1080), "4K": (3840, 2160)}
QUEUED = 32  # frames a round, so that queueing one does not count
PACKAGES = ("torch", "kornia", "cupy-cuda13x", "cucim-cu13", "cvcuda-cu13", "opencv-python")
OURS, BOUND = "aernet", "reading the frame once"


@dataclass(frozen=True)
class Row:
    """One contender's median in one task."""

    frame: str
    contender: str
    median_us: float
    times_aernet: float
    """This median over aernet's."""
    largest_error: float | None = None
    """From the CPU's preprocessing, on the scale [0, 1]."""

    def cells(self) -> tuple[str, ...]:
        """Return what a table shows, in the order of `HEADER`."""
        error = "" if self.largest_error is None else f"{self.largest_error:.1e}"
        return (self.frame, self.contender, f"{self.median_us:.1f}", f"{self.times_aernet:.2f}", error)


HEADER = ("frame", "contender", "us", "times aernet", "largest error")


class Ours:
    """The preprocess kernel on a lane of its own."""

    def __init__(self, frame: torch.Tensor) -> None:
        device = _native.Device(0)
        self.lane = _native.Lane(device, SIZE, QUEUED, "float16", "float32")
        self.frame = device.wrap(frame)
        self.__cuda_array_interface__ = {
            "shape": (3, SIZE, SIZE),
            "typestr": "<f2",
            "data": (self.lane.image, False),
            "version": 3,
        }

    def __call__(self) -> torch.Tensor:
        """Queue `QUEUED` frames and wait; each has its own place in the input."""
        for _ in range(QUEUED):
            self.lane.put(self.frame)
        self.lane.wait()
        return torch.as_tensor(self, device="cuda")


def scaled(lab: Any) -> Any:
    """Scale CIELAB, 3 x S x S, as the network takes it."""
    lightness, a, b = lab
    return lightness / 100, (a + 128) / 255, (b + 128) / 255


def kornia_road(frame: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Return PyTorch's area resize and kornia's CIELAB."""
    from kornia.color import rgb_to_lab  # noqa: PLC0415

    def run() -> torch.Tensor:
        planes = frame.permute(2, 0, 1)[None].flip(1).float() / 255
        small = torch.nn.functional.interpolate(planes, (SIZE, SIZE), mode="area")
        return torch.stack(scaled(rgb_to_lab(small)[0])).clamp(0, 1).half()

    return run


def cucim_road(frame: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Return cuCIM's resize and CIELAB."""
    import cupy  # noqa: PLC0415
    from cucim.skimage import color, transform  # noqa: PLC0415

    array = cupy.from_dlpack(frame)

    def run() -> torch.Tensor:
        picture = array[..., ::-1].astype(cupy.float32) / 255
        small = transform.resize_local_mean(picture, (SIZE, SIZE), channel_axis=-1)
        planes = cupy.stack(scaled(cupy.moveaxis(color.rgb2lab(small), -1, 0)))
        return torch.from_dlpack(planes.clip(0, 1).astype(cupy.float16))

    return run


def cvcuda_road(frame: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Return CV-CUDA's area resize, and kornia's CIELAB."""
    import cvcuda  # noqa: PLC0415
    from kornia.color import rgb_to_lab  # noqa: PLC0415

    tensor = cvcuda.as_tensor(frame[None], "NHWC")
    current = cvcuda.as_stream(torch.cuda.current_stream().cuda_stream)

    def run() -> torch.Tensor:
        with current:
            small = cvcuda.resize(tensor, (1, SIZE, SIZE, 3), cvcuda.Interp.AREA)
            numbers = cvcuda.convertto(small, np.float32, scale=1 / 255)
            planes = torch.as_tensor(cvcuda.reformat(numbers, "NCHW").cuda(), device="cuda")
        return torch.stack(scaled(rgb_to_lab(planes.flip(1))[0])).clamp(0, 1).half()

    return run


def opencv_road(frame: npt.NDArray[np.uint8]) -> Callable[[], torch.Tensor]:
    """Return the contract's own chain on the CPU, and the copy of its result to the GPU."""

    def run() -> torch.Tensor:
        small = cv2.resize(frame.astype(np.float32) / 255, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        planes = np.stack(scaled(cv2.split(cv2.cvtColor(small, cv2.COLOR_BGR2LAB)))).clip(0, 1)
        return torch.from_numpy(planes.astype(np.float16)).cuda()

    return run


def microseconds(contenders: dict[str, Callable[[], object]], rounds: int, text: str) -> dict[str, float]:
    """Return each contender's median for one frame, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in track(range(rounds + 1), text, console=Console(stderr=True), transient=True):
        for name, run in contenders.items():
            torch.cuda.synchronize()
            start = time.perf_counter()
            for _ in range(1 if name == OURS else QUEUED):  # ours queues so many itself
                run()
            torch.cuda.synchronize()
            times[name].append((time.perf_counter() - start) / QUEUED * 1e6)
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def measure(name: str, frame: npt.NDArray[np.uint8], rounds: int) -> list[Row]:
    """Time all roads on one frame."""
    tensor = torch.from_numpy(frame).cuda()
    contenders: dict[str, Callable[[], Any]] = {OURS: Ours(tensor), "OpenCV on the CPU": opencv_road(frame)}
    for peer, road in (
        ("kornia on PyTorch", kornia_road),
        ("cuCIM on CuPy", cucim_road),
        ("CV-CUDA, kornia", cvcuda_road),
    ):
        try:
            contenders[peer] = road(tensor)
        except ImportError as error:  # noqa: PERF203 - each may be absent
            typer.echo(f"{peer}: left out ({error})", err=True)
    expected = torch.from_numpy(preprocess(frame, SIZE))
    errors = {peer: float((run().float().cpu() - expected).abs().max()) for peer, run in contenders.items()}
    copy = torch.empty_like(tensor)
    found = microseconds(contenders | {BOUND: lambda: copy.copy_(tensor)}, rounds, name)
    found[BOUND] /= 2  # a copy reads and writes
    return [Row(name, who, us, us / found[OURS], errors.get(who)) for who, us in found.items()]


def machine() -> dict[str, str]:
    """Name what the figures were measured on and with."""
    installed = {distribution.name: distribution.version for distribution in distributions()}
    packages = {name: installed[name] for name in PACKAGES if name in installed}
    gpu = _native.Device(0)
    return {"GPU": described(gpu), "clocks": clocks(gpu), "aernet": _native.__version__, **packages}


def markdown(rows: list[Row], on: dict[str, str], rounds: int) -> str:
    """Return the results as a page."""
    lines = [
        "# Preprocessing on a GPU",
        "",
        f"Written by `benchmarks/gpu_preprocess.py --markdown`: medians of {rounds} rounds, us a frame.",
        "",
        *(f"- {key}: {value}" for key, value in on.items()),
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
    """Measure the preprocess kernel beside its peers on a GPU."""
    if _native.cuda_version is None or not torch.cuda.is_available():
        raise SystemExit("needs a GPU, aernet built with CUDA and PyTorch with CUDA")
    picture = read_picture(example_pictures()[0])
    try:
        rows = [
            row
            for name, size in FRAMES.items()
            for row in measure(name, cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), rounds)
        ]
        on = machine()
    except AernetError as error:
        raise SystemExit(str(error)) from None

    table = Table(*HEADER, title=f"{on['GPU']}, medians of {rounds} rounds")
    for row in rows:
        table.add_row(*row.cells())
    Console().print(table)
    if json_file:
        results = {"machine": on, "rounds": rounds, "rows": [asdict(row) for row in rows]}
        with replacing(json_file) as path:
            path.write_text(json.dumps(results, indent=2) + "\n")
    if markdown_file:
        with replacing(markdown_file) as path:
            path.write_text(markdown(rows, on, rounds))


if __name__ == "__main__":
    typer.run(main)
