"""Runs a program with PyCUDA over the fake driver and runtime, and checks what it found.

    python pycuda_session.py FAKE_NATIVE FOLDER PROGRAM

PyCUDA's libcuda.so.1 must be FAKE_NATIVE, as LD_LIBRARY_PATH makes it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from runners.planes import assert_agrees, expected, open_plane_engine

import aernet.runners.tensorrt
import aernet.segmenter

SIZE = 256


def load(name, path):
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def run_page(text, runner):
    """Run the only program of a page of the documentation."""
    (program,) = (part.split("```")[0] for part in text.split("```python\n")[1:])
    found = {}
    exec(compile(program, "docs/pycuda.md", "exec"), found)
    wanted = expected(found["picture"], "bgr", size=SIZE)
    assert 0 < np.count_nonzero(wanted[0]) < wanted[0].size
    for mask in (found["result"].mask, found["on_host"], found["results"][0]):
        assert_agrees((mask, found["result"].probability), wanted)
    frame, lesion = found["frame"], found["lesion"]
    assert runner.gpu.wrap(frame).__cuda_array_interface__["data"][0] == int(frame.gpudata)
    assert int(lesion.gpudata) == found["mask"].__cuda_array_interface__["data"][0]


def run_example(path):
    picture = Path("examples/ISIC_0011135.jpg")
    load("example", path).main(picture)
    mask, _ = expected(cv2.imread(str(picture)), "bgr", size=SIZE)
    sys.stdout.write(f"expected: the lesion covers {np.count_nonzero(mask) / mask.size:.1%}\n")


def main(library, folder, program):
    # For PyCUDA, whichever library it was linked with; the fake driver has but the functions that are called.
    sys.setdlopenflags(os.RTLD_LAZY | os.RTLD_GLOBAL)
    native = load("fake_native", library)
    settings = native.Settings()
    settings.delay_us = 500
    native.set(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aernet.runners.tensorrt, "_native", native)
        runner, _ = open_plane_engine(patch, folder, native, 0, SIZE)
        patch.setattr(aernet.segmenter, "open_runner", lambda *_: runner)
        if program.suffix == ".md":
            run_page(program.read_text(encoding="utf-8"), runner)
        else:
            run_example(program)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
