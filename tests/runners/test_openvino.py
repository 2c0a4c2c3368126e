"""OpenVINO itself, where its ONNX Runtime is installed: `nox -s openvino`."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest

from aernet import AernetError, Segmenter
from aernet.models import bundled_models
from aernet.runners.comparison import agreement_of
from aernet.runners.onnxruntime import OnnxRuntimeRunner
from aernet.runners.providers import OTHERS

pytestmark = pytest.mark.skipif(
    "OpenVINOExecutionProvider" not in onnxruntime.get_available_providers(),
    reason="no onnxruntime-openvino",
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", ["aernet", "aernet-b1"])
def test_the_bundled_models_give_the_masks_of_the_cpu(name, examples):
    path = bundled_models()[name]
    found = agreement_of(OnnxRuntimeRunner(path, OTHERS["openvino"]), OnnxRuntimeRunner(path), examples)
    assert found.worst_dice >= 0.9999
    assert found.largest_difference < 1e-4


def test_each_way_of_asking_gives_the_same(model, examples):
    with Segmenter(model, "openvino") as segmenter, Segmenter(model, "cpu") as on_cpu:
        expected = [on_cpu(path).probability for path in examples]
        several = segmenter.batch(examples)
        pending = [segmenter.submit(path) for path in examples]
        with ThreadPoolExecutor(4) as pool:
            threaded = list(pool.map(segmenter, examples))
        answers = zip(expected, several, pending, threaded, strict=True)
        for probability, *results in answers:
            batched, submitted, alone = results
            for result in (batched, submitted.result(), alone):
                np.testing.assert_allclose(result.probability, probability, atol=1e-4)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_uses_it(model, examples):
    program = """
import os, sys, time
import numpy as np
from aernet import Segmenter
segmenter = Segmenter(sys.argv[1], "openvino")
expected = segmenter(sys.argv[2]).mask
assert expected.any()
process = os.fork()
if process == 0:
    assert np.array_equal(segmenter(sys.argv[2]).mask, expected)
    sys.exit(0)
_, status = os.waitpid(process, 0)
sys.exit(0 if status == 0 else 1)
"""
    command = [sys.executable, "-W", "ignore", "-c", program, model, examples[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_command_line(command, examples, tmp_path):
    for device in ("openvino", "cpu"):
        done = command("segment", examples[0], "--device", device, "-o", tmp_path / device)
        assert done.returncode == 0, done.stderr
    first, second = ((tmp_path / device / f"{examples[0].stem}_mask.png") for device in ("openvino", "cpu"))
    assert first.read_bytes() == second.read_bytes()


def test_a_gpu_that_is_not_there_is_told_in_one_line(model):
    program = "import sys; from aernet import Segmenter; Segmenter(sys.argv[1], 'openvino:gpu')"
    done = subprocess.run(
        [sys.executable, "-c", program, model], capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode == 0:
        pytest.skip("there is an Intel GPU")
    *_, last = done.stderr.strip().splitlines()
    assert last.startswith("aernet.errors.AernetError: ONNX Runtime")
    assert last.endswith("cannot use openvino:gpu, which wants an Intel GPU and its driver; use 'cpu'")
    assert "[E:onnxruntime" not in done.stderr
    with pytest.raises(AernetError, match="which wants an Intel GPU"):
        Segmenter(model, "openvino:gpu")
