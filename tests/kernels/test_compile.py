from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NVCC = shutil.which(os.environ.get("CUDACXX", "nvcc"))
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "kernel_resources.py"
ORIN = 87
REGISTERS = 64
"""Four blocks of 256 threads fit in a multiprocessor's 65536 registers."""
SHARED = 100 * 1024 // 4 - 1024
"""And in 100 KiB of shared memory, the least since Ampere, of which each block takes one for itself."""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """What ptxas says of every kernel, for Orin and for the newest GPU that nvcc knows."""
    if NVCC is None:
        pytest.skip("no nvcc")
    listed = subprocess.run([NVCC, "--list-gpu-arch"], capture_output=True, text=True, check=True).stdout
    newest = max(map(int, re.findall(r"\d+", listed)))
    results = tmp_path_factory.mktemp("compiled") / "kernels.json"
    options = ["--json", results, "--architecture", str(ORIN), "--architecture", str(newest)]
    done = subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True, check=False)
    assert results.exists(), done.stderr
    return json.loads(results.read_text()), {ORIN, newest}


def test_every_kernel_is_compiled_without_a_warning(compiled):
    kernels, architectures = compiled
    assert {kernel["architecture"] for kernel in kernels} == architectures
    names = [kernel["name"] for kernel in kernels]
    assert len(set(names)) == 12
    assert len(names) == 12 * len(architectures)


def test_no_register_is_spilled_and_no_local_memory_used(compiled):
    for kernel in compiled[0]:
        assert (kernel["spilled_bytes"], kernel["stack_bytes"]) == (0, 0), kernel


def test_four_blocks_fit_in_a_multiprocessor(compiled):
    for kernel in compiled[0]:
        assert kernel["registers"] <= REGISTERS, kernel
        assert kernel["shared_bytes"] <= SHARED, kernel
