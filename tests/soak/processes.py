"""A segmenter in processes that are started by fork, spawn and forkserver, again and again.

In each, pools of two processes take a segmenter that was made, used and submitted to before; the parent goes
on meanwhile, and no process may hang or be left.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import soaking

from aernet import Segmenter

PICTURES = [soaking.lesion(number)[0] for number in range(6)]
segmenter = None  # what a forked process inherits


def areas(given):
    one = given or segmenter
    return [int((one.submit(picture).result().mask > 0).sum()) for picture in PICTURES]


def start(method, model, rounds):
    global segmenter  # noqa: PLW0603 - as above
    right = wrong = 0
    slowest = 0.0
    with Segmenter(str(model), "cpu") as made:
        segmenter = made
        expected = areas(segmenter)
        for _ in range(rounds):
            begin = time.perf_counter()
            pending = segmenter.submit(PICTURES[0])  # under way while the processes start
            with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
                given = None if method == "fork" else segmenter
                answers = list(pool.map(areas, [given] * 4, timeout=300))
            right += answers.count(expected)
            wrong += 4 - answers.count(expected)
            assert np.count_nonzero(pending.result().mask) == expected[0]
            slowest = max(slowest, time.perf_counter() - begin)
        segmenter = None
    left = [
        child for child in psutil.Process().children() if "resource_tracker" not in " ".join(child.cmdline())
    ]
    return {
        "start method": method,
        "pools of two processes": rounds,
        "right answers": right,
        "wrong": wrong,
        "slowest pool, s": round(slowest, 2),
        "processes left": len([child for child in left if "forkserver" not in " ".join(child.cmdline())]),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    warnings.simplefilter(
        "ignore", DeprecationWarning
    )  # of newer Pythons, that a process with threads is forked
    model = soaking.write_small_model(Path(tempfile.mkdtemp()) / "small.onnx")
    rows = []
    for method in ("fork", "spawn", "forkserver"):
        rows.append(start(method, model, options.rounds))
        soaking.report("processes", "Processes started in three ways", rows, ["start method"])


if __name__ == "__main__":
    main()
