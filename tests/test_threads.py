from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import aernet
from aernet._native import get_num_threads

ROOT = Path(__file__).parents[1]
FLAGS = "-O1 -g -std=c++17 -pthread -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")

PROGRAM = """
import os, sys, time
import numpy as np
import aernet
frame = np.random.default_rng(0).integers(0, 256, (2160, 3840, 3), np.uint8)
def threads():
    return len(os.listdir("/proc/self/task"))
"""


def run_program(body):
    """Run a program of its own on a big frame; a deadlock ends it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM + body],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def four_threads():
    count = get_num_threads()
    aernet.set_num_threads(4)
    yield
    aernet.set_num_threads(count)


@pytest.mark.usefixtures("four_threads")
def test_several_callers_share_the_threads():
    rng = np.random.default_rng(1)
    frames = [rng.integers(0, 256, (2160 + 7 * index, 3840, 3), np.uint8) for index in range(3)]
    maps = [rng.random((256, 256), np.float32) for _ in range(3)]

    def both(index):
        mask = aernet.mask_from_probability(maps[index], 2160, 3840 + index)
        return aernet.preprocess(frames[index]), mask

    alone = [both(index) for index in range(3)]
    with ThreadPoolExecutor(6) as callers:
        for index, found in enumerate(callers.map(both, list(range(3)) * 12)):
            for array, wanted in zip(found, alone[index % 3], strict=True):
                np.testing.assert_array_equal(array, wanted)


@LINUX
def test_the_threads_are_kept_and_sleep():
    run_program("""
aernet.set_num_threads(3)
before = threads()
for call in range(20):
    aernet.preprocess(frame)
    assert threads() == before + 2
time.sleep(0.1)
start = time.process_time()
time.sleep(0.5)
assert time.process_time() - start < 0.05
""")


@LINUX
def test_one_thread_is_the_caller():
    run_program("""
aernet.set_num_threads(1)
before = threads()
aernet.preprocess(frame)
assert threads() == before
""")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_has_threads_of_its_own():
    run_program("""
import threading
aernet.set_num_threads(2)
expected = aernet.preprocess(frame)
busy = threading.Event()
def go_on():
    while not busy.is_set():
        aernet.preprocess(frame)
caller = threading.Thread(target=go_on)
caller.start()
for child in range(5):
    process = os.fork()
    if process == 0:
        import signal
        signal.alarm(30)
        os._exit(0 if (aernet.preprocess(frame) == expected).all() else 1)
    assert os.waitpid(process, 0)[1] == 0
busy.set()
caller.join()
np.testing.assert_array_equal(aernet.preprocess(frame), expected)
""")


# ThreadSanitizer does not follow a fork of a process with several threads.
@pytest.mark.parametrize(("sanitizer", "arguments"), [("thread", []), ("address", ["fork"])])
def test_a_sanitizer_finds_nothing(tmp_path, sanitizer, arguments):
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None:
        pytest.skip("no C++ compiler")
    program = tmp_path / "threads"
    sources = [ROOT / "tests" / "threads.cpp", ROOT / "cpp" / "cpu" / "threads.cpp"]
    command = [compiler, *FLAGS.split(), f"-fsanitize={sanitizer}", f"-I{ROOT / 'cpp'}", *sources]
    compiled = subprocess.run([*command, "-o", program], capture_output=True, text=True, check=False)
    if "cannot find" in compiled.stderr:
        pytest.skip(f"the C++ compiler has no {sanitizer} sanitizer")
    assert compiled.returncode == 0, compiled.stderr
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
