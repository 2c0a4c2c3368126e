from __future__ import annotations

import json
from dataclasses import replace

import cv2
import msgspec
import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from scipy.special import expit

from aernet import AernetError, ModelError, Nv12Frame, Segmenter, preprocess
from aernet.models import ModelCard
from aernet.pictures import read_picture
from aernet.quality import COLOUR_SIZE, Quality, colours
from aernet.segmentation import Segmentation
from aernet.traits import traits


@pytest.fixture
def quality(examples):
    described = np.stack([colours(preprocess(read_picture(path), COLOUR_SIZE)) for path in examples])
    precision = np.linalg.inv(np.cov(described.T) + 0.05 * np.eye(9))
    return Quality(0.3, 1.0, -2.0, 0.85, described.mean(0).tolist(), precision.tolist(), 4.0)


def soft_disc(width):
    """Return a disc whose probability falls from 1 to 0 over `width` pixels."""
    line = np.arange(256) - 128
    radius = np.hypot(*np.meshgrid(line, line))
    return np.clip(0.5 - (radius - 60) / width, 0, 1).astype(np.float32)


def test_the_distance_is_that_of_mahalanobis(quality, examples):
    image = preprocess(read_picture(examples[0]), COLOUR_SIZE)
    expected = mahalanobis(colours(image), quality.colour_mean, np.array(quality.colour_precision))
    assert quality.distance(image) == pytest.approx(expected)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 30), (150, 170, 220)])
def test_flat_colour_is_no_dermoscopy(quality, examples, colour):
    flat = np.full((90, 120, 3), colour, np.uint8)
    assert not quality.knows(preprocess(flat, COLOUR_SIZE))
    assert all(quality.knows(preprocess(read_picture(path), COLOUR_SIZE)) for path in examples)


def test_a_result_tells_how_far_to_trust_it(quality, examples):
    frame = read_picture(examples[0])
    mask = np.zeros(frame.shape[:2], np.uint8)
    clear = Segmentation(frame, mask, soft_disc(1), 0.5, 1.0, quality=quality)
    vague = Segmentation(frame, mask, soft_disc(60), 0.5, 1.0, quality=quality)
    overlap, contact = traits(soft_disc(1), 0.5)
    assert contact == 0
    assert clear.expected_dice == pytest.approx(expit(0.3 + overlap))
    cut = soft_disc(1)[:, 128:]
    half = Segmentation(frame, mask, cut, 0.5, 1.0, quality=quality)
    overlap, contact = traits(cut, 0.5)
    assert half.expected_dice == pytest.approx(expit(0.3 + overlap - 2 * contact))
    assert not clear.needs_review
    assert vague.needs_review
    strange = Segmentation(np.full_like(frame, 255), mask, soft_disc(1), 0.5, 1.0, quality=quality)
    assert strange.needs_review


@pytest.mark.parametrize("level", [None, 255])
def test_planes_are_judged_as_the_picture_in_them(quality, examples, level):
    frame = read_picture(examples[0])[:400, :400]
    if level is not None:
        frame = np.full_like(frame, level)
    i420 = cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420)
    chroma = i420[400:].reshape(2, 200, 200).transpose(1, 2, 0)
    planes = Nv12Frame(i420[:400], np.ascontiguousarray(chroma))
    mask = np.zeros((400, 400), np.uint8)
    pictures = ((planes, "nv12"), (planes.to_bgr(), "bgr"))
    ours, expected = (
        Segmentation(picture, mask, soft_disc(1), 0.5, 1.0, colour, quality) for picture, colour in pictures
    )
    assert ours.needs_review == expected.needs_review == (level is not None)


@pytest.fixture
def calibrated(quality, write_model, metadata, tmp_path):
    """A model whose verdict follows the frame's colours alone."""
    text = json.dumps(msgspec.to_builtins(quality) | {"least_dice": 0.0})
    return write_model(tmp_path / "calibrated.onnx", metadata | {"aernet.quality": text})


@pytest.mark.parametrize("colour", ["bgr", "nv12", "planes"])
@pytest.mark.parametrize("way", ["call", "submit", "batch"])
def test_a_verdict_stays_when_the_camera_writes_to_its_buffer_again(
    calibrated, quality, examples, colour, way
):
    def as_given(picture):
        if colour == "bgr":
            return picture
        i420 = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
        pairs = np.ascontiguousarray(i420[400:].reshape(2, -1).T).reshape(200, 400)
        return np.concatenate([i420[:400], pairs])

    def call(segmenter, buffer):
        frame = Nv12Frame(buffer[:400], buffer[400:]) if colour == "planes" else buffer
        if way == "call":
            return segmenter(frame)
        return segmenter.submit(frame).result() if way == "submit" else segmenter.batch([frame, frame])[0]

    skin = cv2.resize(read_picture(examples[0]), (400, 400), interpolation=cv2.INTER_AREA)
    white = np.full_like(skin, 255)
    with Segmenter(calibrated, colour="nv12" if colour == "nv12" else "bgr") as segmenter:
        for first, second in ((skin, white), (white, skin)):
            buffer = as_given(first).copy()
            result = call(segmenter, buffer)
            expected_dice = result.expected_dice
            buffer[...] = as_given(second)
            assert quality.knows(preprocess(skin, COLOUR_SIZE))
            assert not quality.knows(preprocess(white, COLOUR_SIZE))
            for one in (result, result.largest(), replace(result, latency_ms=1.0)):
                assert one.needs_review == (first is white)
                assert one.expected_dice == expected_dice


def test_without_calibration_there_is_no_answer(examples):
    frame = read_picture(examples[0])
    result = Segmentation(frame, np.zeros(frame.shape[:2], np.uint8), soft_disc(1), 0.5, 1.0)
    for ask in (lambda: result.expected_dice, lambda: result.needs_review):
        with pytest.raises(AernetError, match=r"not calibrated; see `aernet-trt calibrate`"):
            ask()


@pytest.mark.parametrize(("intercept", "expected"), [(-1e6, 0), (1e6, 1)])
def test_no_intercept_is_too_large(quality, intercept, expected):
    extreme = msgspec.structs.replace(quality, intercept=intercept)
    assert extreme.expected_dice(soft_disc(1), 0.5) == expected


def test_it_is_read_from_json(quality, metadata):
    content = msgspec.to_builtins(quality)
    card = ModelCard.from_metadata(metadata | {"aernet.quality": json.dumps(content)})
    assert card.quality == quality
    earlier = {"intercept": 0.43, "slope": 0.62} | {
        name: content[name] for name in content if name not in {"intercept", "overlap", "contact"}
    }
    for text in (
        "", "[]", "{}", json.dumps(earlier), json.dumps(content | {"contact": 0.1}),
        json.dumps(content | {"colour_precision": [[1.0]]}),
        json.dumps(content | {"colour_mean": [0.1], "colour_precision": [[1.0]]}),
    ):  # fmt: skip
        with pytest.raises(ModelError, match=r"aernet\.quality must be .* of intercept, overlap, contact,"):
            ModelCard.from_metadata(metadata | {"aernet.quality": text})
