"""Compile the CUDA kernels for every GPU that nvcc knows: what they take of a multiprocessor, what they move.

No GPU is needed. Fails on a warning, on a spilled register and on local memory. The times are estimates: the
bytes that must travel over the bandwidth that the maker states.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from aernet.errors import AernetError
from aernet.files import replacing

CPP = Path(__file__).parents[1] / "cpp"
OLDEST = 75
SIZE = 256
FRAMES = {"1080p": (1920, 1080), "4K": (3840, 2160)}
GIGABYTES_PER_SECOND = {"Orin Nano": 68, "RTX 4090": 1008, "H200": 4800}
NUMBER = 4  # bytes of float32, which the engines take and give
FLAGS = (
    "-std=c++17",
    "-O3",
    "-prec-div=false",
    "-Xptxas=-v",
    "-Werror=all-warnings",
    "-Xcompiler=-Wall,-Wextra,-Wconversion,-Wsign-conversion,-Wshadow,-Werror",
)
COMPILED = re.compile(
    r"Compiling entry function '(?P<name>\w+)' for 'sm_(?P<architecture>\d+)\w*'"
    r".*?(?P<stack>\d+) bytes stack frame"
    r", (?P<stores>\d+) bytes spill stores, (?P<loads>\d+) bytes spill loads"
    r".*?Used (?P<registers>\d+) registers(?P<rest>[^\n]*)",
    re.DOTALL,
)
FORMATS = {"ColumnILi3": "BGR, RGB", "ColumnILi4": "BGRA, RGBA", "ColumnILi1": "gray", "Nv12": "NV12"}
CHANNELS = {"ILi3": "BGR, RGB", "ILi4": "BGRA, RGBA"}


@dataclass(frozen=True)
class Kernel:
    """What ptxas says of one kernel on one architecture."""

    name: str
    architecture: int
    registers: int
    shared_bytes: int
    stack_bytes: int
    spilled_bytes: int


def compiler() -> str:
    """Return the path of nvcc."""
    found = shutil.which(os.environ.get("CUDACXX", "nvcc"))
    if found is None:
        raise AernetError("nvcc: not found; put it in PATH or name it in CUDACXX")
    return found


def run(*command: str) -> str:
    """Return what a command prints.

    Raises:
        AernetError: it fails.
    """
    done = subprocess.run(  # noqa: S603 - the compiler that the user named
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        raise AernetError(f"{' '.join(command)}: {done.stdout.strip()}")
    return done.stdout


def known_architectures(nvcc: str) -> list[int]:
    """Return the compute capabilities that `nvcc` compiles for, 87 for 8.7, from Turing on."""
    numbers = map(int, re.findall(r"\d+", run(nvcc, "--list-gpu-arch")))
    return sorted(number for number in numbers if number >= OLDEST)


def readable(mangled: str) -> str:
    """Return the name of a kernel and what it is an instance for."""
    kernel, _, arguments = mangled.partition("_kernelI")
    number = "float16" if "Half" in arguments else "float32"
    if kernel.endswith("preprocess"):
        return f"preprocess, {next(label for key, label in FORMATS.items() if key in arguments)}, {number}"
    if kernel.endswith("mask"):
        return f"mask, {number}"
    return f"overlay, {next(label for key, label in CHANNELS.items() if key in 'I' + arguments)}"


def compile_all(nvcc: str, architectures: list[int]) -> list[Kernel]:
    """Compile every kernel for `architectures`, host code and all.

    Raises:
        AernetError: nvcc warns or fails.
    """
    targets = [f"-gencode=arch=compute_{number},code=sm_{number}" for number in architectures]
    kernels = []
    for source in sorted(CPP.rglob("*.cu")):
        with tempfile.TemporaryDirectory() as folder:
            output = run(nvcc, *FLAGS, f"-I{CPP}", *targets, "-c", str(source), "-o", f"{folder}/kernel.o")
        for match in COMPILED.finditer(output):
            shared = re.search(r"(\d+) bytes smem", match["rest"])
            kernels.append(
                Kernel(
                    readable(match["name"]),
                    int(match["architecture"]),
                    int(match["registers"]),
                    int(shared[1]) if shared else 0,
                    int(match["stack"]),
                    int(match["stores"]) + int(match["loads"]),
                )
            )
    return sorted(kernels, key=lambda kernel: (kernel.name, kernel.architecture))


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """Return a table of Markdown, numbers to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, rule, *rows])


def resources(kernels: list[Kernel], architectures: list[int]) -> str:
    """Return the table of registers and shared memory."""
    found = {(kernel.name, kernel.architecture): kernel for kernel in kernels}
    names = sorted({kernel.name for kernel in kernels})
    return markdown_table(
        ["kernel", "shared memory", *(f"{number / 10:.1f}" for number in architectures)],
        [
            [
                name,
                str(found[name, architectures[0]].shared_bytes),
                *(str(found[name, number].registers) for number in architectures),
            ]
            for name in names
        ],
    )


def traffic(width: int, height: int) -> dict[str, int]:
    """Return the bytes that each kernel must read and write for one frame."""
    pixels = width * height
    numbers = NUMBER * SIZE * SIZE
    return {
        "preprocess, BGR": 3 * pixels + 3 * numbers,
        "preprocess, BGRA": 4 * pixels + 3 * numbers,
        "preprocess, gray": pixels + 3 * numbers,
        "preprocess, NV12": pixels + pixels // 2 + 3 * numbers,
        "mask": numbers + pixels,
        "overlay, BGR": pixels + 2 * 3 * pixels,
    }


def shared_rows(height: int) -> float:
    """Return the share of a frame's rows that lie under two tiles."""
    rows = int(re.findall(r"kTileRows = (\d+)", (CPP / "core" / "preprocess_body.h").read_text())[0])
    edges = [index * height / SIZE for index in range(rows, SIZE, rows)]
    return sum(edge != int(edge) for edge in edges) / height


def roofline() -> str:
    """Return the table of bytes and of the least time that they take."""
    rows = []
    for frame, (width, height) in FRAMES.items():
        for kernel, moved in traffic(width, height).items():
            times = [f"{moved / rate / 1e3:.1f}" for rate in GIGABYTES_PER_SECOND.values()]
            rows.append([kernel, frame, f"{moved / 1e6:.2f}", *times])
    header = ["kernel", "frame", "MB", *(f"{name}, us" for name in GIGABYTES_PER_SECOND)]
    shares = " and ".join(f"{shared_rows(size[1]):.1%} at {name}" for name, size in FRAMES.items())
    return f"{markdown_table(header, rows)}\n\nRows of a frame that lie under two tiles: {shares}."


def filled(page: str, parts: dict[str, str]) -> str:
    """Return a page with each part between its pair of marks replaced."""
    for name, text in parts.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}{text}\n{end}{rest.partition(end)[2]}"
    return page


def main(
    architecture: Annotated[
        list[int] | None, typer.Option(help="Compute capability, 87 for 8.7; if not given, all of nvcc's.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what ptxas says as JSON.")] = None,
    page: Annotated[Path | None, typer.Option(help="Renew the tables of this page.")] = None,
) -> None:
    """Compile the CUDA kernels and report what they take."""
    nvcc = compiler()
    architectures = sorted(architecture or known_architectures(nvcc))
    kernels = compile_all(nvcc, architectures)
    table = resources(kernels, architectures)
    typer.echo(table)
    if json_file:
        with replacing(json_file) as path:
            path.write_text(json.dumps([asdict(kernel) for kernel in kernels], indent=2) + "\n")
    if page:
        version = re.findall(r"V(\d[\d.]*)", run(nvcc, "--version"))[0]
        text = filled(page.read_text(), {"resources": f"nvcc {version}.\n\n{table}", "roofline": roofline()})
        with replacing(page) as path:
            path.write_text(text)
    for kernel in kernels:
        if kernel.stack_bytes or kernel.spilled_bytes:
            raise AernetError(
                f"{kernel.name} on {kernel.architecture / 10}: not all is in registers, {kernel}"
            )


if __name__ == "__main__":
    typer.run(main)
