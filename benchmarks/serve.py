"""Measure `aernet-trt serve` beside a bare loop of the Segmenter, in one run on one machine.

The bare loop has a thread for each core, which decodes a file, segments it and encodes the mask as PNG: what
the server does, without HTTP. The clients of the server run on the same cores, in a process of their own, and
send the next picture when the mask of the last is there. Every round takes each contender once, in turn. The
processor's time is the server's without its clients; it hardly depends on what else the machine does.

A second table has the network alone on the CPU: batches on all threads, beside single pictures side by side,
on one thread each. It tells why the server makes no batches there.
"""

from __future__ import annotations

import http.client
import itertools
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import cv2
import numpy as np
import onnxruntime
import typer
from rich.console import Console
from rich.table import Table

from aernet import Segmenter, preprocess, set_num_threads
from aernet.inputs import find_pictures
from aernet.models import bundled_models
from aernet.pictures import decode_picture, example_pictures
from aernet.processor import processor
from aernet.runners.onnxruntime import OnnxRuntimeRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CLIENTS = (1, 4, 16, 50)
BATCHES = (1, 2, 4, 8)
CORES = os.cpu_count() or 1
HEADER = ("contender", "a second", "of the loop", "CPU ms a picture", "p50 ms", "p99 ms", "server MB")


def for_a_while(
    work: Callable[[bytes], object], threads: int, seconds: float, files: Sequence[bytes]
) -> list[float]:
    """Call `work` from several threads for a while, and return the seconds of each call."""
    turns = itertools.cycle(files)
    took: list[float] = []
    end = time.perf_counter() + seconds

    def repeat() -> None:
        while (begin := time.perf_counter()) < end:
            work(next(turns))
            took.append(time.perf_counter() - begin)

    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(repeat) for _ in range(threads)]:
            future.result()
    return took


@contextmanager
def server() -> Iterator[str]:
    """Run the server as a process of its own, and yield its address."""
    command = [sys.executable, "-c", "from aernet.cli import main; main()", "serve"]
    with subprocess.Popen([*command, "--device", "cpu", "--port", "0"], stderr=subprocess.PIPE) as process:  # noqa: S603
        try:
            yield process.stderr.readline().decode().removeprefix("open ").strip() if process.stderr else ""
        finally:
            process.terminate()


def client(address: str) -> Callable[[bytes], object]:
    """Return a function that has a picture segmented, through a connection of each thread's own."""
    kept = threading.local()

    def post(data: bytes) -> bytes:
        if not hasattr(kept, "connection"):
            kept.connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
        kept.connection.request("POST", "/segment", data)
        answer = kept.connection.getresponse()
        content: bytes = answer.read()
        if answer.status != 200:
            raise RuntimeError(content.decode())
        return content

    return post


def figure(address: str, name: str) -> float:
    """Return one of the server's own figures."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def serving(files: Sequence[bytes], seconds: float, rounds: int) -> Table:
    """Measure the server and the bare loop."""
    set_num_threads(1)
    segmenter = Segmenter(device="cpu")
    set_num_threads(CORES)

    def bare(data: bytes) -> object:
        return cv2.imencode(".png", segmenter(decode_picture(data, "picture")).mask)[1].tobytes()

    rates: dict[str, list[float]] = {}
    took: dict[str, list[float]] = {}
    used: dict[str, float] = {}
    held: dict[str, float] = {}
    with server() as address:
        contenders = [(f"bare loop, {CORES} threads", bare, CORES)]
        contenders += [(f"serve, {count} clients", client(address), count) for count in CLIENTS]
        for name, work, threads in contenders * rounds:
            begin = time.perf_counter()
            on_cpu = time.process_time() if work is bare else figure(address, "process_cpu_seconds_total")
            calls = for_a_while(work, threads, seconds, files)
            rates.setdefault(name, []).append(len(calls) / (time.perf_counter() - begin))
            end = time.process_time() if work is bare else figure(address, "process_cpu_seconds_total")
            took.setdefault(name, []).extend(calls)
            used[name] = used.get(name, 0) + end - on_cpu
            held[name] = figure(address, "process_resident_memory_bytes") / 1e6
    base = next(iter(rates.values()))
    table = Table(*HEADER)
    for name, rate in rates.items():
        ratio = statistics.median(one / other for one, other in zip(rate, base, strict=True))
        p50, p99 = np.percentile(took[name], (50, 99)) * 1000
        cells = (used[name] / len(took[name]) * 1000, p50, p99, held[name])
        table.add_row(
            name, f"{statistics.median(rate):.1f}", f"{ratio:.2f}", *(f"{cell:.0f}" for cell in cells)
        )
    return table


def batching(files: Sequence[bytes], rounds: int) -> Table:
    """Measure the network alone."""
    path = bundled_models()["aernet"]
    whole = OnnxRuntimeRunner(path)
    set_num_threads(1)
    single = OnnxRuntimeRunner(path)
    set_num_threads(CORES)
    some = itertools.islice(itertools.cycle(files), 16)
    images = np.stack([preprocess(decode_picture(data, "picture")) for data in some])
    took: dict[str, list[float]] = {}
    with ThreadPoolExecutor(CORES) as pool:
        for _ in range(rounds):
            begin = time.perf_counter()
            list(pool.map(lambda index: single.infer(images[index : index + 1]), range(len(images))))
            took.setdefault(f"{CORES} side by side", []).append(time.perf_counter() - begin)
            for batch in BATCHES:
                begin = time.perf_counter()
                for start in range(0, len(images), batch):
                    whole.infer(images[start : start + batch])
                took.setdefault(f"batches of {batch}", []).append(time.perf_counter() - begin)
    table = Table("network alone", "ms a picture")
    for name, seconds in took.items():
        table.add_row(name, f"{statistics.median(seconds) / len(images) * 1000:.1f}")
    return table


def main(
    pictures: Annotated[
        Path | None, typer.Option(help="Folder of pictures; by default the bundled ones.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Of each contender in a round.")] = 3,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
) -> None:
    """Measure the server beside a bare loop, and batches beside single pictures."""
    found = find_pictures([pictures]) if pictures else example_pictures()
    files = [path.read_bytes() for path in found[:500]]
    console = Console(width=110)
    console.print(f"{processor()}, {CORES} cores, Python {platform.python_version()}", end=", ")
    console.print(f"ONNX Runtime {onnxruntime.__version__}, {len(files)} pictures")
    console.print(serving(files, seconds, rounds))
    console.print(batching(files, rounds))


if __name__ == "__main__":
    typer.run(main)
