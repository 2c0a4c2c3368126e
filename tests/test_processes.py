"""Segmenters in several processes: forked, spawned, and in pools."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

from aernet import AernetError, Segmenter
from aernet.models import bundled_models

FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")

PROGRAM = """
import multiprocessing, os, signal, sys, threading, time
from concurrent.futures import ProcessPoolExecutor
import cv2
import numpy as np
from aernet import AernetError, ModelError, Segmenter

model, *paths = sys.argv[1:]


def child(work):
    '''Run a function in a forked process, which is to end as Python ends.'''
    process = os.fork()
    if process == 0:
        work()
        sys.exit(0)
    end = time.monotonic() + 60
    found, status = 0, 0
    while not found and time.monotonic() < end:
        time.sleep(0.01)
        found, status = os.waitpid(process, os.WNOHANG)
    if not found:
        os.kill(process, signal.SIGKILL)
    assert found and status == 0, f"status {status}" if found else "hangs"


def same(result, expected):
    assert np.array_equal(result.mask, expected)


def of_worker(segmenter):
    time.sleep(0.1)  # so that the other worker comes too
    return os.getpid(), id(segmenter.runner)


def main():
"""


@pytest.fixture
def run_program(model, examples, tmp_path):
    """Run the body of a program's `main` in a process of its own; what hangs ends it."""

    def run(body):
        program = tmp_path / "program.py"
        lines = [f"    {line}" if line else "" for line in body.strip().splitlines()]
        end = ["", "", 'if __name__ == "__main__":', "    main()", ""]
        program.write_text(PROGRAM + "\n".join([*lines, *end]), encoding="utf-8")
        command = [sys.executable, "-W", "ignore", program, model, *map(str, examples[:3])]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
        assert done.returncode == 0, done.stderr

    return run


@FORK
def test_a_forked_process_uses_a_segmenter_of_its_parent_and_ends(run_program):
    run_program("""
segmenter, unused, closed = (Segmenter(model) for _ in range(3))
closed.close()
frame = cv2.imread(paths[0])
expected = segmenter(frame).mask
assert expected.any()
segmenter.submit(frame).result()

def use():
    same(segmenter(frame), expected)
    same(segmenter.submit(frame).result(), expected)
    same(segmenter.batch([frame])[0], expected)
    try:
        closed(frame)
    except AernetError as error:
        assert "is closed" in str(error)
    else:
        raise AssertionError
    child(lambda: same(segmenter(frame), expected))

def forget():
    nonlocal segmenter, unused
    del segmenter, unused

child(lambda: None)
child(use)
child(forget)
same(segmenter(frame), expected)
""")


@FORK
def test_a_fork_while_other_threads_segment(run_program):
    run_program("""
segmenter = Segmenter(model)
frame = cv2.imread(paths[0])
expected = segmenter(frame).mask
ended = threading.Event()

def go_on():
    while not ended.is_set():
        segmenter(frame)
        segmenter.submit(frame).result()

threads = [threading.Thread(target=go_on) for _ in range(2)]
for thread in threads:
    thread.start()
for _ in range(5):
    child(lambda: same(segmenter(frame), expected))
ended.set()
for thread in threads:
    thread.join()
""")


@FORK
def test_what_does_not_survive_a_fork_says_so(run_program):
    run_program("""
segmenter, on_gpu = Segmenter(model), Segmenter(model)
on_gpu.device = "cuda:0"
frame = cv2.imread(paths[0])
pending = segmenter.submit(frame)

def refused(use, reason):
    try:
        use()
    except AernetError as error:
        assert reason in str(error), error
    else:
        raise AssertionError(reason)

def use():
    refused(lambda: on_gpu(frame), "was made before a fork, which no GPU survives; make one in the new")
    refused(pending.result, "submitted before a fork has its result in the parent process")
    segmenter.close()
    refused(lambda: segmenter(frame), "is closed")

child(use)
assert pending.result().mask.any()
""")


@pytest.mark.parametrize(
    "method", ["spawn", pytest.param("forkserver", marks=FORK), pytest.param("fork", marks=FORK)]
)
def test_a_pool_of_processes(run_program, method):
    run_program(f"""
segmenter = Segmenter(model, threshold=0.3)
expected = [segmenter(path).mask for path in paths]
assert any(mask.any() for mask in expected)
context = multiprocessing.get_context({method!r})
with ProcessPoolExecutor(2, context) as pool:
    for result, mask in zip(pool.map(segmenter, paths), expected, strict=True):
        same(result, mask)
        assert result.threshold == 0.3
    opened = set(pool.map(of_worker, [segmenter] * 6))
assert len(opened) == len({{process for process, _ in opened}})  # each process loads the model once
with context.Pool(2) as pool:
    for result, mask in zip(pool.map(segmenter, paths), expected, strict=True):
        same(result, mask)
""")


def test_a_model_that_has_gone_is_told_to_the_caller(run_program):
    run_program("""
import shutil
moved = model + ".moved.onnx"
shutil.copy(model, moved)
segmenter = Segmenter(moved)
os.remove(moved)
with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
    try:
        pool.submit(segmenter, paths[0]).result()
    except ModelError as error:
        assert "no such model" in str(error)
    else:
        raise AssertionError
""")


def test_joblib(model, examples):
    joblib = pytest.importorskip("joblib")
    segmenter = Segmenter(model)
    paths = examples[:3]
    results = joblib.Parallel(2, timeout=120)(joblib.delayed(segmenter)(path) for path in paths)
    for path, result in zip(paths, results, strict=True):
        np.testing.assert_array_equal(result.mask, segmenter(path).mask)


def test_a_segmenter_pickles_by_what_it_was_made_of(model, examples, monkeypatch):
    monkeypatch.chdir(model.parent)
    segmenter = Segmenter(model.name, "cpu", 0.3, colour="rgb")
    monkeypatch.chdir("/")
    rgb = cv2.cvtColor(cv2.imread(str(examples[0])), cv2.COLOR_BGR2RGB)
    for other in (pickle.loads(pickle.dumps(segmenter)), copy.copy(segmenter), copy.deepcopy(segmenter)):
        assert repr(other) == repr(segmenter)
        assert (other.threshold, other.colour, other.card) == (0.3, "rgb", segmenter.card)
        np.testing.assert_array_equal(other(rgb).mask, segmenter(rgb).mask)
        again = pickle.loads(pickle.dumps(other))
        other.close()
        with pytest.raises(AernetError, match="is closed"):
            pickle.dumps(other)
        np.testing.assert_array_equal(again(rgb).mask, segmenter(rgb).mask)
    unused = pickle.loads(pickle.dumps(segmenter))
    unused.close()
    with pytest.raises(AernetError, match="is closed"):
        unused(rgb)


def test_a_bundled_model_is_sent_by_name():
    if "aernet" not in bundled_models():
        pytest.skip("no bundled model")
    sent = pickle.dumps(Segmenter("aernet", "cpu"))
    assert str(bundled_models()["aernet"]).encode() not in sent
    assert pickle.loads(sent).runner.card.name == "aernet"


def test_a_model_that_was_written_again_is_loaded_again(write_model, tmp_path, examples):
    path = write_model(tmp_path / "model.onnx")
    sent = pickle.dumps(Segmenter(path))
    first = pickle.loads(sent)
    assert pickle.loads(sent).runner is first.runner
    write_model(path, bias=-1000.0)
    assert first(examples[0]).mask.any()
    assert not pickle.loads(sent)(examples[0]).mask.any()


def test_threads_share_what_was_unpickled(model):
    segmenter = pickle.loads(pickle.dumps(Segmenter(model)))
    runners = []
    threads = [threading.Thread(target=lambda: runners.append(segmenter.runner)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, runners))) == 1
    assert len(runners) == 4


def test_a_result_pickles(model, examples):
    result = Segmenter(model)(examples[0])
    other = pickle.loads(pickle.dumps(result))
    for field in ("frame", "mask", "probability"):
        np.testing.assert_array_equal(getattr(other, field), getattr(result, field))
    assert repr(other) == repr(result)


def test_onnx_runtime_reports_to_nobody(tmp_path, model):
    """From 1.29 on it starts a thread for that, and keeps an identifier in the user's folder."""
    program = "import sys; from aernet import Segmenter; Segmenter(sys.argv[1])"
    hidden = {"CI", "PYTEST_CURRENT_TEST", "PYTEST_VERSION", "ORT_DISABLE_TELEMETRY"}  # in tests it rests
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program, model], check=True, env=environment, timeout=120)
    assert list(tmp_path.rglob("*icrosoft*")) == []
