"""`aernet-trt doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aernet.cli.extras import extras
from aernet.processor import processor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aernet.engine.gpu import Gpu

_STYLES = {"ok": "green", "warn": "yellow", "absent": "dim"}
_ENGINE_BYTES = 100_000_000
_OTHER_MODEL = "install aernet again, or name an ONNX file with --model"


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object to stdout.")] = False,
) -> None:
    """Show what this machine has, and which model, device and runtime will be used and why."""
    from json import dumps

    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    findings = [*_machine(), *_gpus(), *_libraries(), *extras(), *_video(), *_cache(), *_models()]
    use = _use()
    if json:
        typer.echo(dumps({"checks": findings, "use": use}, indent=2))
        return
    table = Table(
        Column("part", no_wrap=True), Column("state", no_wrap=True), Column("found", overflow="fold")
    )
    for finding in findings:
        state = Text(finding["state"], _STYLES[finding["state"]])
        remedy = f"\n{finding['remedy']}" if finding["remedy"] else ""
        table.add_row(finding["name"], state, Text(finding["found"] + remedy))
    console = Console()
    console.print(table)
    used = f"{use['model']} on {use['device']} with {use['runtime']}" if use["model"] else "nothing"
    console.print(Text(f"will be used: {used} ({use['why']})"))
    if use["without_graph"]:
        console.print(Text(f"without a CUDA graph: {use['without_graph']}"))
    for refusal in use["refusals"]:
        console.print(Text(f"not used: {refusal}"))


def _finding(name: str, found: str, remedy: str = "") -> dict[str, str]:
    """Return one finding, whose state is "ok" if it needs no remedy."""
    return {"name": name, "state": "warn" if remedy else "ok", "found": found, "remedy": remedy}


def _absent(name: str, found: str, remedy: str = "") -> dict[str, str]:
    """Return a finding of what nobody needs who does not use it."""
    return {"name": name, "state": "absent", "found": found, "remedy": remedy}


def _machine() -> Iterator[dict[str, str]]:
    import os
    import platform

    yield _finding("system", f"{platform.system()} {platform.release()}, {platform.machine()}")
    yield _finding("processor", f"{processor()}, {os.cpu_count()} cores")
    if hasattr(os, "sysconf"):
        gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        remedy = "" if gib > 1 else "a model and a large picture take about 1 GiB"
        yield _finding("memory", f"{gib:.1f} GiB", remedy)
    yield _finding("python", platform.python_version())


def _gpus() -> Iterator[dict[str, str]]:
    import sys

    from aernet import _native, remedies
    from aernet.cli.gpus import clocks, described, find_nvcc, jetson, unseen_tensorrt
    from aernet.engine.adapter import installed_runtimes
    from aernet.engine.gpu import find_gpu
    from aernet.errors import AernetError

    if board := jetson():
        full_speed = "for full speed: sudo nvpmodel -m 0 && sudo jetson_clocks"
        yield _finding("jetson", board, "" if "MAXN" in board else full_speed)
    gpu = find_gpu()
    if gpu is None:
        yield _absent("gpu", "none from NVIDIA, or no driver for it")
    if _native.cuda_version is None:
        yield from _no_cuda(gpu, find_nvcc())
    elif gpu:
        versions = f"the driver supports {_native.driver_version()}, aernet uses {_native.cuda_version}"
        yield _finding("cuda", versions)
        try:
            for index in range(_native.device_count()):
                device = _native.Device(index)
                yield _finding(f"gpu {index}", f"{described(device)}, {clocks(device)}")
        except AernetError as error:
            yield _finding("gpu", gpu.name, str(error))
    runtimes = installed_runtimes()
    found = ", ".join(f"{name} {version}" for name, version in runtimes.items()) or "absent"
    unseen = None if "tensorrt" in runtimes else unseen_tensorrt()
    if unseen:
        found += f"; this virtual environment does not see {unseen}"
        yield _finding("tensorrt", found, f"/usr/bin/python3 -m venv --system-site-packages {sys.prefix}")
    else:
        yield _finding("tensorrt", found, remedies.tensorrt() if gpu and not runtimes else "")


def _no_cuda(gpu: Gpu | None, nvcc: str | None) -> Iterator[dict[str, str]]:
    """Say so where this build has no CUDA though the machine has a GPU or a toolkit."""
    build = "in aernet's folder: {}pip install --force-reinstall --no-deps -C cmake.define.AERNET_CUDA=ON ."
    if gpu and not nvcc:
        remedy = f"install CUDA 12 or 13, then {build.format('')}"
        yield _finding("cuda", f"not in this build, which cannot use {gpu.name}", remedy)
    elif nvcc:
        unused = f"which cannot use {gpu.name}, " if gpu else ""
        yield _finding(
            "cuda", f"not in this build, {unused}though {nvcc} is here", build.format(f"CUDACXX={nvcc} ")
        )


def _libraries() -> Iterator[dict[str, str]]:
    import numpy as np

    from aernet._native import cuda_version, get_num_threads
    from aernet.cli.opencv import opencv
    from aernet.video.sources.nvmm import absent_because

    cuda = f"CUDA {cuda_version}" if cuda_version else "no CUDA"
    yield _finding("extension", f"loaded, up to {get_num_threads()} threads, built with {cuda}")
    yield _finding("numpy", np.__version__)
    yield opencv()
    reason = absent_because()
    way = "through a pipe" if reason else "without a copy through the host"
    found = f"{reason or 'loaded'}; a Jetson's GPU gets its camera's frames {way}"
    yield _absent("nvmm", found) if reason else _finding("nvmm", found)
    yield from _onnxruntime()


def _onnxruntime() -> Iterator[dict[str, str]]:
    """Tell which ONNX Runtime is there, and whether it has the provider of each other device."""
    from importlib.metadata import distributions

    import onnxruntime

    from aernet.remedies import onnxruntime_for
    from aernet.runners.providers import OTHERS

    packages = sorted(
        {name for found in distributions() if (name := found.name or "").startswith("onnxruntime")}
    )
    providers = onnxruntime.get_available_providers()
    found = f"{onnxruntime.__version__}, {', '.join(providers)}"
    both = f"pip uninstall --yes {' '.join(packages)}, then install one of them" if len(packages) > 1 else ""
    yield _finding("onnxruntime", f"{found}; installed: {', '.join(packages)}" if both else found, both)
    for device, provider in OTHERS.items():
        if provider.name in providers:
            yield _finding(f"device {device}", f"{provider.name} is there")
        else:
            yield _absent(f"device {device}", f"no {provider.name}", onnxruntime_for(device))


def _video() -> Iterator[dict[str, str]]:
    """Tell what live video can read from and be shown on."""
    import shutil

    from aernet.cli.gpus import output
    from aernet.video.sinks.window import has_display
    from aernet.video.sources.camera import present_cameras

    launch = shutil.which("gst-launch-1.0")
    if launch:
        _, _, version = output(launch, "--version").partition("version ")
        yield _finding("gstreamer", f"gst-launch-1.0 {version.split()[0] if version else 'of no version'}")
    else:
        found = "no gst-launch-1.0, for csi:// and pipelines"
        yield _absent("gstreamer", found, "on Debian and Ubuntu: apt install gstreamer1.0-tools")
    if has_display():
        yield _finding("display", "there is one, for live --view window")
    else:
        yield _absent("display", "none; live --view web serves a page")
    cameras = present_cameras()
    if cameras:
        yield _finding("cameras", ", ".join(cameras))
    else:
        yield _absent("cameras", "none found")


def _cache() -> Iterator[dict[str, str]]:
    """Tell where engines lie, how much they take, and how much is free there."""
    import shutil

    from aernet.engine.folders import cache_folder

    folder = cache_folder()
    held = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    remedy = "" if free > _ENGINE_BYTES else "make room: an engine takes up to 100 MB"
    yield _finding("cache", f"{folder}, {held / 1e6:.0f} MB in it, {free / 1e9:.1f} GB free", remedy)


def _models() -> Iterator[dict[str, str]]:
    from aernet.errors import ModelError
    from aernet.models import bundled_models
    from aernet.runners.choice import open_runner

    bundled = bundled_models()
    if not bundled:
        yield _finding("models", "the package contains none", _OTHER_MODEL)
    for name, path in bundled.items():
        try:
            card = open_runner(path, "cpu").card
        except ModelError as error:  # noqa: PERF203 - there are few models
            yield _finding(f"model {name}", str(error), _OTHER_MODEL)
        else:
            found = f"version {card.version}, {card.size} x {card.size}, threshold {card.threshold:g}"
            yield _finding(f"model {name}", found)


def _use() -> dict[str, Any]:
    """Return the model, device and runtime of a command without options, and the reason for them."""
    from aernet.errors import ModelError
    from aernet.models import DEFAULT, resolve_model
    from aernet.runners.choice import choose_runner

    none: dict[str, Any] = {"without_graph": None, "refusals": []}
    try:
        choice = choose_runner(resolve_model(DEFAULT), "auto")
    except ModelError as error:
        return {"model": None, "device": None, "runtime": None, "why": str(error)} | none
    return {
        "model": choice.runner.card.name,
        "device": choice.runner.device,
        "runtime": choice.runner.runtime,
        "why": choice.why,
        "without_graph": choice.runner.capture_refusal,
        "refusals": list(choice.refusals),
    }
