from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from aernet.errors import FrameError, SourceError
from aernet.evaluation.agreement import compare_runners
from aernet.evaluation.metrics import score
from aernet.pictures import read_picture
from aernet.runners.onnxruntime import OnnxRuntimeRunner


@pytest.fixture
def reference(model):
    return OnnxRuntimeRunner(model)


@pytest.fixture
def lighter(write_model, tmp_path):
    """The same rule with another limit: what is darker than L = 55 is lesion."""
    return OnnxRuntimeRunner(write_model(tmp_path / "lighter.onnx", bias=20 * 0.55))


def test_a_runner_agrees_with_itself(reference, examples):
    verification = compare_runners(reference, reference, examples)
    assert verification.passed
    assert (verification.mean_dice, verification.worst_dice) == (1.0, 1.0)
    assert verification.largest_difference == 0
    assert verification.pictures == len(examples)
    assert verification.runtime == f"{reference.runtime} on cpu"


def test_figures_are_of_the_masks_at_the_pictures_own_size(reference, lighter, examples):
    verification = compare_runners(reference, lighter, examples)
    frames = [read_picture(picture) for picture in examples]
    answers = [[runner.run([frame], 0.4, "bgr")[0] for runner in (reference, lighter)] for frame in frames]
    dices = [score(found, expected).dice for (expected, _), (found, _) in answers]
    assert verification.mean_dice == pytest.approx(np.mean(dices))
    assert verification.worst_dice == pytest.approx(min(dices))
    largest = max(np.abs(p - q).max() for (_, p), (_, q) in answers)
    assert verification.largest_difference == pytest.approx(float(largest))
    assert not verification.passed


def test_probabilities_that_are_not_numbers_are_counted(reference, examples):
    def run(frames, *_):
        answer = reference.run(frames, 0.4, "bgr")
        if frames[0].shape == read_picture(examples[0]).shape:
            raise FrameError("probability: found nan")
        return answer

    broken = SimpleNamespace(card=reference.card, device="cuda", runtime="broken", run=run)
    same_size = sum(read_picture(picture).shape == read_picture(examples[0]).shape for picture in examples)
    verification = compare_runners(reference, broken, examples)
    assert verification.not_numbers == same_size * 64 * 64
    assert verification.worst_dice == 0
    assert verification.mean_dice == pytest.approx(1 - same_size / len(examples))
    assert not verification.passed


def test_a_picture_that_cannot_be_read(reference, tmp_path):
    assert cv2.imwrite(str(tmp_path / "whole.png"), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "broken.png").write_bytes((tmp_path / "whole.png").read_bytes()[:20])
    with pytest.raises(SourceError, match=r"broken\.png"):
        compare_runners(reference, reference, [tmp_path / "whole.png", tmp_path / "broken.png"])
