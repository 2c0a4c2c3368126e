"""Measure `segment` on a folder of pictures, in one run beside what else does the same.

Every round runs each contender once, in turn, as a process of its own that reads the pictures and writes a
mask for each; medians are reported, with the time that the processors spent. The contenders:

- segment: `aernet-trt segment`, which also keeps its journal;
- before: the same with another installation, such as that of an earlier commit (`--before PYTHON`);
- bare loop: two threads that read by OpenCV, run the same model on one thread each, and write by OpenCV, with
  no care for damage, names, colours or what is done already;
- U-Net in a loop: the U-Net of segmentation_models_pytorch with the efficientnet-b1 encoder (random weights),
  exported to ONNX, in ONNX Runtime's own settings behind what its users write, one picture after another;
  needs `pip install ".[benchmark]"` (`--unet`);
- segment --ray: the same command on a Ray cluster that runs already (`--ray ADDRESS`); the time of its
  processors is not in the table.

`memory` segments pictures and shows the memory of the process at each thousandth.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
import onnxruntime
import typer
from rich.console import Console
from rich.table import Table

from aernet import Segmenter, set_num_threads
from aernet.archive import Archive, Settings
from aernet.processor import processor

if TYPE_CHECKING:
    import numpy.typing as npt

SIZE = 256
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
COMMAND = "from aernet.cli import main; main()"

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def bare(pictures: Path, output: Path) -> None:
    """Segment pictures in a bare loop of two threads."""
    set_num_threads(1)
    segmenter = Segmenter()

    def work(path: Path) -> None:
        cv2.imwrite(str(output / f"{path.stem}_mask.png"), segmenter(cv2.imread(str(path))).mask)

    output.mkdir()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, sorted(pictures.iterdir())))


@app.command()
def unet(pictures: Path, output: Path, model: Path) -> None:
    """Segment pictures with a U-Net, one after another."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    output.mkdir()
    for path in sorted(pictures.iterdir()):
        picture = cv2.imread(str(path))
        small = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        rgb = (cv2.cvtColor(small, cv2.COLOR_BGR2RGB) / 255.0 - MEAN) / DEVIATION
        image: npt.NDArray[np.float32] = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], np.float32)
        (logit,) = session.run(None, {"image": image})
        probability = 1 / (1 + np.exp(-logit[0, 0]))
        full = cv2.resize(probability, picture.shape[1::-1])
        cv2.imwrite(str(output / f"{path.stem}_mask.png"), (full > 0.5).astype(np.uint8) * 255)


def write_unet(file: Path) -> None:
    """Export the U-Net."""
    import segmentation_models_pytorch as smp  # noqa: PLC0415 - needed by this contender alone
    import torch  # noqa: PLC0415

    network = smp.Unet("efficientnet-b1", encoder_weights=None).eval()
    picture = torch.zeros(1, 3, SIZE, SIZE)
    torch.onnx.export(network, (picture,), file, input_names=["image"], dynamo=False)


def timed(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a process, and return the seconds that it took and those of the processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(arguments, env=environment, stderr=subprocess.DEVNULL, check=True)  # noqa: S603
    took = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@app.command()
def measure(
    pictures: Annotated[Path, typer.Argument(help="Folder of pictures, without subfolders.")],
    rounds: int = 5,
    before: Annotated[Path | None, typer.Option(help="Python that has an earlier version installed.")] = None,
    with_unet: Annotated[bool, typer.Option("--unet", help="Measure a U-Net too.")] = False,  # noqa: FBT002
    ray: Annotated[str | None, typer.Option(help="Address of a Ray cluster to measure too.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File for the results.")] = None,
) -> None:
    """Measure pictures a second."""
    count = len(list(pictures.iterdir()))
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    with tempfile.TemporaryDirectory() as folder:
        here = [sys.executable, __file__]
        segment = ["-c", COMMAND, "segment", str(pictures), "--device", "cpu", "-o"]
        contenders = {
            "segment": [sys.executable, *segment, "{}"],
            "bare loop": [*here, "bare", str(pictures), "{}"],
        }
        if before is not None:
            contenders["before"] = [str(before), *segment, "{}"]
        if with_unet:
            write_unet(Path(folder, "unet.onnx"))
            contenders["U-Net in a loop"] = [*here, "unet", str(pictures), "{}", f"{folder}/unet.onnx"]
        if ray is not None:
            contenders["segment --ray"] = [sys.executable, *segment, "{}", "--ray", ray]
        times: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for number in range(rounds):
            for name, arguments in contenders.items():
                output = f"{folder}/{name}-{number}"
                times[name].append(timed([part.replace("{}", output) for part in arguments], environment))
    ours = statistics.median(took for took, _ in times["segment"])
    table = Table("contender", "pictures a second", "processor, ms a picture", "segment is times as fast")
    results = {}
    for name, taken in times.items():
        took, spent = (statistics.median(seconds) for seconds in zip(*taken, strict=True))
        results[name] = {"a_second": count / took, "processor_ms": spent / count * 1000, "times": took / ours}
        table.add_row(name, *(f"{value:.2f}" for value in results[name].values()))
    Console().print(f"{processor()}; {count} pictures, {rounds} rounds", table)
    if json_file is not None:
        json_file.write_text(json.dumps(results, indent=2), encoding="utf-8")


@app.command()
def memory(
    pictures: Annotated[Path, typer.Argument(help="Folder of pictures, without subfolders.")],
    number: Annotated[int, typer.Option(help="How many to segment; names of the same files count.")] = 20_000,
    model: str = "aernet",
) -> None:
    """Show the memory in MB at each thousandth picture."""
    with tempfile.TemporaryDirectory(dir=pictures.parent) as folder:
        files = sorted(pictures.iterdir())
        names = [Path(folder, f"{index:06}{files[index % len(files)].suffix}") for index in range(number)]
        for index, name in enumerate(names):
            name.hardlink_to(files[index % len(files)])
        archive = Archive([folder], Path(folder, "out"))
        for index, _ in enumerate(archive.segment(Settings(model=model, table=Path(folder, "t.csv"))), 1):
            if index % 1000 == 0:
                pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
                print(index, round(pages * resource.getpagesize() / 1e6, 1), flush=True)


if __name__ == "__main__":
    app()
