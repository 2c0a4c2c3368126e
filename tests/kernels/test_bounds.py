from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def test_no_byte_outside_the_arrays_is_touched(compiled):
    asan = subprocess.run(
        [shutil.which(os.environ.get("CXX", "c++")) or "", "-print-file-name=libasan.so"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    if not Path(asan).is_absolute():
        pytest.skip("the C++ compiler has no libasan.so")
    tests = Path(__file__).parents[1]
    environment = os.environ | {
        "LD_PRELOAD": asan,
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONPATH": str(tests),
        "PYTHONMALLOC": "malloc",
    }
    program = [sys.executable, tests / "kernels" / "every_shape.py", compiled("address")]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]
