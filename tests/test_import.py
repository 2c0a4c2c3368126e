from __future__ import annotations

import re
import subprocess
import sys

import pytest

import aernet


def imported(statement):
    """Return the modules that a statement imports in a fresh interpreter."""
    answer = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"\| +([\w.]+)$", answer.stderr, re.MULTILINE))


def test_the_package_imports_little():
    modules = imported("import aernet")
    assert {"aernet.segmenter", "aernet._native", "numpy", "cv2"} <= modules
    assert not {"torch", "typer", "rich", "onnx", "onnxruntime", "PIL", "simplejpeg", "pydicom"} & modules
    assert "aernet.measure" not in modules


def test_the_command_line_starts_without_the_heavy_parts():
    modules = imported("import aernet.cli")
    assert {"aernet.cli.segment", "typer"} <= modules
    assert not {"torch", "onnx", "onnxruntime", "rich.progress"} & modules


def test_a_model_runs_without_torch_or_onnx(model):
    modules = imported(
        "import aernet, numpy as np;"
        f"aernet.Segmenter({str(model)!r})(np.zeros((9, 9, 3), np.uint8)).overlay()"
    )
    assert "onnxruntime" in modules
    assert not {"torch", "typer", "rich", "onnx"} & modules


@pytest.mark.parametrize("name", aernet.__all__)
def test_the_face_holds_what_it_promises(name):
    assert hasattr(aernet, name)
