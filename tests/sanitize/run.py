"""Runs real tests with the extension under the compiler's sanitizers: `nox -s sanitize` calls it.

The extension is built in a folder, beside a copy of the installed package's Python. Before the tests, faults
that are made on purpose show that the sanitizers see what the extension does. A report is a failure, that of
a child too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import aernet

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from fakes.build import configure, cxx_compiler  # noqa: E402

CHECKS = {
    "address": "-O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer",
    "thread": "-O1 -g1 -fsanitize=thread",
}
LIBRARIES = {
    "address": ("libasan.so", "libubsan.so", "libstdc++.so"),
    "thread": ("libtsan.so", "libstdc++.so"),
}
CALLED = {"address": b"__ubsan_handle_", "thread": b"__tsan_write"}

# This test compiles programs with sanitizers of their own, and a process takes one alone.
OWN = "not a_sanitizer_finds_nothing"
# This one counts the process's threads, of which the thread sanitizer starts another.
COUNTED = "not the_threads_are_kept"
PARTS = {
    "extension": (
        "address",
        [
            *(f"tests/test_{name}.py" for name in ("preprocess", "mask", "nv12", "frames", "segmenter")),
            *("tests/test_threads.py", "tests/test_segmenter_machine.py"),
            *("tests/video/test_overlay.py", "tests/video/test_pipeline.py"),
        ],
        OWN,
    ),
    "device half over the fake CUDA runtime": (
        "address",
        [f"tests/runners/test_{name}.py" for name in ("tensorrt", "devices", "host_frames", "device_memory")],
        OWN,
    ),
    "extension's threads": (
        "thread",
        [
            *("tests/test_threads.py", "tests/test_segmenter.py", "tests/test_segmenter_machine.py"),
            *("tests/video/test_pipeline.py", "tests/video/test_pipeline_machine.py"),
        ],
        f"{OWN} and {COUNTED}",
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder for what is built, which a later run goes on with")
    parser.add_argument("--output", type=Path, help="JSON file for the outcome")
    asked = parser.parse_args()
    work = asked.work.resolve()
    shutil.rmtree(work / "reports", ignore_errors=True)
    version = subprocess.run([cxx_compiler(), "--version"], capture_output=True, text=True, check=True)
    outcome = {
        "compiler": version.stdout.splitlines()[0],
        "python": platform.python_version(),
        "planted": [],
        "outcomes": [],
    }
    for sanitizer in CHECKS:
        environment = prepared(work / sanitizer, sanitizer)
        outcome["planted"] += [
            seen(work, name, environment) for name in FAULTS if FAULTS[name][0] == sanitizer
        ]
        for part in [part for part in PARTS if PARTS[part][0] == sanitizer]:
            outcome["outcomes"].append(tried(work, part, environment))
            if asked.output:
                asked.output.write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    print(table(outcome["outcomes"]))
    return int(any(one["status"] or one["reports"] or not one["passed"] for one in outcome["outcomes"]))


def prepared(folder, sanitizer):
    """Build the extension for a sanitizer, and return the environment that runs tests with it."""
    folder.mkdir(parents=True, exist_ok=True)
    compiler = folder / "c++"  # the options come last, so that they prevail
    compiler.write_text(f'#!/bin/sh\nunset LD_PRELOAD\nexec {cxx_compiler()} "$@" {CHECKS[sanitizer]}\n')
    compiler.chmod(0o755)
    build = folder / "build"
    done = configure(
        build,
        "-DAERNET_CUDA=OFF",
        "-DCMAKE_BUILD_TYPE=RelWithDebInfo",  # else pybind11 strips the names of functions
        "-DCMAKE_UNITY_BUILD=ON",
        f"-DCMAKE_CXX_COMPILER={compiler}",
    )
    if done.returncode:
        sys.exit(done.stderr)
    subprocess.run(["cmake", "--build", build, "--target", "_native"], check=True)
    package = folder / "site" / "aernet"
    shutil.rmtree(package, ignore_errors=True)
    others = shutil.ignore_patterns("_native*.so", "__pycache__")
    shutil.copytree(Path(aernet.__file__).parent, package, ignore=others)
    (built,) = build.glob("_native*.so")
    if CALLED[sanitizer] not in built.read_bytes():
        sys.exit(
            f"{built}: expected calls of the {sanitizer} sanitizer, found none; look at the compiler's flags"
        )
    shutil.copy(built, package)
    named = [library(name) for name in LIBRARIES[sanitizer]]
    return os.environ | {
        "PYTHONPATH": str(package.parent),
        "PYTHONMALLOC": "malloc",  # else an array of Python's own has no guarded bytes beside it
        "LD_PRELOAD": ":".join(named),
        "CXX": str(compiler),
        "OMP_NUM_THREADS": "1",
        # CPython keeps memory until it ends, and a stack of a leak has its frames in it.
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": "ignore_noninstrumented_modules=1:die_after_fork=0",
    }


def library(name):
    """Return where the compiler keeps a library, which is to be loaded before all others."""
    command = [cxx_compiler(), f"-print-file-name={name}"]
    file = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    if not file.is_absolute():
        sys.exit(
            f"{name}: expected it beside {cxx_compiler()}, found none; install GCC's sanitizers or set CXX"
        )
    return str(file.resolve())


def logged(environment, folder):
    """Return the environment with the sanitizers' reports, of children too, as files of a folder."""
    folder.mkdir(parents=True)
    names = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")
    return environment | {name: f"{environment[name]}:log_path={folder / 'report'}" for name in names}


BEGINNING = (
    "import threading; import numpy as np; from numpy.lib.stride_tricks import as_strided; import aernet\n"
)
FAULTS = {
    "read beyond an array": (
        "address",
        "aernet.preprocess(as_strided(np.zeros(1000, np.uint8), (200, 200, 3), (600, 3, 1)))",
        "heap-buffer-overflow",
    ),
    "two threads write one array": (
        "thread",
        """
out = np.zeros((3, 256, 256), np.float32)
def write():
    for _ in range(20):
        aernet.preprocess(np.zeros((500, 500, 3), np.uint8), out=out)
threads = [threading.Thread(target=write) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
""",
        "data race",
    ),
}


def seen(work, name, environment):
    """Commit a fault in a process of its own; leave with an error unless it is reported in the extension."""
    _, program, expected = FAULTS[name]
    reports = work / "reports" / name.replace(" ", "-")
    command = [sys.executable, "-c", BEGINNING + program]
    watched = logged(environment, reports)
    watched["TSAN_OPTIONS"] += ":halt_on_error=1"  # the first of many reports is enough
    subprocess.run(command, env=watched, check=False, capture_output=True)
    found = "".join(file.read_text(encoding="utf-8", errors="replace") for file in reports.iterdir())
    if expected not in found or "aernet::" not in found:
        sys.exit(f"{name}: expected a report of {expected} in the extension, found {found or 'none'}")
    return {"fault": name, "reported": expected}


def tried(work, part, environment):
    """Run the tests of a part, and return how many there were and what was reported."""
    sanitizer, paths, chosen = PARTS[part]
    reports = work / "reports" / part.replace(" ", "-")
    answers = work / f"{reports.name}.xml"
    begin = time.monotonic()
    options = ("-q", "-p", "no:cacheprovider", "-m", "not gpu", "-k", chosen, f"--junitxml={answers}")
    command = [sys.executable, "-m", "pytest", *options, *paths]
    status = subprocess.run(command, cwd=ROOT, env=logged(environment, reports), check=False).returncode
    seconds = round(time.monotonic() - begin)
    found = sorted(reports.iterdir())
    for file in found:
        print(file.read_text(encoding="utf-8", errors="replace"))
    counts = {"tests": 0, "skipped": 0, "failures": 0, "errors": 0}
    if answers.is_file():  # a sanitizer that ends pytest leaves none
        (suite,) = ET.parse(answers).getroot()
        counts = {name: int(suite.get(name)) for name in counts}
    failed = counts["failures"] + counts["errors"]
    return {
        "part": part,
        "sanitizer": "address and undefined behaviour" if sanitizer == "address" else "thread",
        "passed": counts["tests"] - counts["skipped"] - failed,
        "skipped": counts["skipped"],
        "failed": failed,
        "reports": len(found),
        "status": status,
        "seconds": seconds,
    }


def table(rows):
    names = list(rows[0])
    lines = [
        names,
        ["---", "---", *["---:"] * (len(names) - 2)],
        *[[str(row[name]) for name in names] for row in rows],
    ]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


if __name__ == "__main__":
    sys.exit(main())
