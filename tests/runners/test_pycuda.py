"""PyCUDA over the fake CUDA runtime: `pip install ".[pycuda]"` compiles it, and no GPU is needed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.pycuda,
    pytest.mark.skipif(find_spec("pycuda") is None, reason="no PyCUDA"),
]


@pytest.fixture
def session(fake_native, tmp_path):
    """Run a program in a process whose CUDA driver is the fake one."""
    (tmp_path / "libcuda.so.1").symlink_to(fake_native.__file__)

    def session(program):
        script = Path(__file__).with_name("pycuda_session.py")
        return subprocess.run(
            [sys.executable, script, fake_native.__file__, tmp_path, ROOT / program],
            env=os.environ | {"LD_LIBRARY_PATH": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    return session


def test_the_program_of_the_page(session):
    done = session("docs/pycuda.md")
    assert done.returncode == 0, done.stderr


def test_the_example(session):
    done = session("examples/pycuda_interop.py")
    assert done.returncode == 0, done.stderr
    found = re.findall(r"the lesion covers ([\d.]+)%", done.stdout)
    assert len(found) == 2
    assert abs(float(found[0]) - float(found[1])) <= 0.2
    assert 0 < float(found[0]) < 100
