"""What is said where a package of an extra is not installed, or is broken."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import pytest

from aernet import remedies
from aernet.archive.journal import JOURNAL
from aernet.cli.failures import sentence
from aernet.errors import AernetError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
MASKS = ROOT / "python/aernet/video/masks"
FOR_TESTS = {"test", "dev", "docs", "benchmark"}
ALL = sorted({module for modules in remedies.EXTRAS.values() for module in modules})


def run_without(modules, *arguments):
    """Run the command line where these modules cannot be found."""
    program = "from importlib.machinery import PathFinder; find = PathFinder.find_spec\n"
    program += f"absent = lambda name, *more: None if name in {list(modules)!r} else find(name, *more)\n"
    program += "PathFinder.find_spec = absent\n"
    program += "from aernet.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_extras_are_those_of_the_package():
    """Their modules are named as their packages are, but for hyphens."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {
        extra: {re.match(r"[\w-]+", requirement)[0].replace("-", "_") for requirement in requirements}
        - {"aernet", "tomli"}
        for extra, requirements in project["optional-dependencies"].items()
        if extra not in FOR_TESTS
    }
    declared["dicom"] ^= {"pylibjpeg_openjpeg", "openjpeg"}  # the one whose module is called otherwise
    for extra in ("tensorrt", "tensorrt-rtx"):
        declared[extra] -= {"onnx"}  # they bring it, but it does not tell whether they are there
    assert {extra: set(modules) for extra, modules in remedies.EXTRAS.items()} == declared


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "best.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("best/data.pkl", b"")
    return path


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        ("train --data {data} -o {out}", "train"),
        ("reproduce table2 --data {data} -o {out}", "train"),
        ("export {checkpoint} -o {out}/m.onnx", "train"),
        ("export {checkpoint} --with-preprocessing -o {out}/m.onnx", "train"),
        ("export {model} --with-preprocessing -o {out}/m.onnx", "onnx"),
        ("export-triton {out} --model {model}", "onnx"),
        ("build-engine {model} -o {out} --runtime tensorrt-rtx", "tensorrt-rtx"),
        ("build-engine {model} -o {out} --runtime tensorrt", "tensorrt"),
        ("inspect {checkpoint}", "train"),
        ("data fetch isic2018 -o {out}", "data"),
        ("calibrate {model} --images {data} --masks {data} --split s --json {out} --diagram d.svg", "report"),
        ("evaluate --model {model} --images {data} --masks {data} --report {out}", "report"),
        ("live test:// --model {model} --view web", "viewer"),
        ("serve --model {model}", "serve"),
        ("live test:// --model {model} --view none --record {out}/o.mp4", "video"),
        ("live {checkpoint} --model {model} --view none", "video"),
        ("segment {film} --model {model} -o {out}", "video"),
    ],
)
def test_a_missing_extra_is_named(arguments, extra, model, checkpoint, tmp_path):
    film = tmp_path / "film.mp4"
    film.touch()
    paths = {
        "data": tmp_path,
        "out": tmp_path / "out",
        "model": model,
        "checkpoint": checkpoint,
        "film": film,
    }
    failed = run_without(ALL, *(argument.format(**paths) for argument in arguments.split()))
    assert failed.returncode == 1, failed.stderr
    said = [line for line in failed.stderr.splitlines() if "aernet" in line]
    assert sum("pip install" in line for line in said) == 1, failed.stderr
    assert f"pip install 'aernet[{extra}]'" in failed.stderr
    assert "No module named" not in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not [path for path in (tmp_path / "out").rglob("*") if path.name != JOURNAL]


def test_what_needs_no_extra_runs_without_all(model, examples, tmp_path):
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    for picture in examples:
        (pairs / picture.name).write_bytes(picture.read_bytes())
    for mask in MASKS.glob("*_segmentation.png"):
        (pairs / mask.name).write_bytes(mask.read_bytes())
    for arguments in (
        ("segment", examples[0], "-o", tmp_path / "out", "--model", model),
        ("evaluate", "--images", pairs, "--masks", pairs, "--model", model),
        ("live", examples[0].parent, "--view", "none", "--model", model, "--track", tmp_path / "t.csv"),
        ("inspect", model),
        ("models",),
        ("doctor",),
        ("data", "check", pairs),
        ("data", "split", pairs, "-o", tmp_path / "s.csv", "--validation", 1, "--test", 1),
        ("benchmark", "--model", model, "--frame", "64x64", "--seconds", 0.1),
    ):
        answer = run_without(ALL, *arguments)
        assert answer.returncode == 0, (arguments, answer.stderr)
    assert cv2.imread(str(tmp_path / "out" / f"{examples[0].stem}_mask.png"), cv2.IMREAD_GRAYSCALE).any()


def test_a_package_that_is_there_but_broken():
    error = ImportError("libcudart.so.13: cannot open shared object file", name="torch._C")
    assert sentence(error) == (
        "torch cannot be loaded (libcudart.so.13: cannot open shared object file); install it again: "
        "pip install 'aernet[train]'"
    )
    assert remedies.extra_for(ModuleNotFoundError("No module named 'numpy'", name="numpy")) is None
    assert remedies.extra_for(ImportError("no name")) is None


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (AernetError("two\nlines"), r"two\nlines"),
        (PermissionError(13, "Permission denied", "there.txt"), "there.txt: Permission denied"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (KeyError("x"), "a fault in aernet-trt itself (KeyError: 'x'); --debug shows where"),
        (AssertionError(), "a fault in aernet-trt itself (AssertionError); --debug shows where"),
        (
            MemoryError(),
            "the memory does not suffice; end other programs, or give smaller pictures or batches",
        ),
    ],
)
def test_an_error_is_one_sentence(error, text):
    assert sentence(error) == text
