from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator

from aernet.engine.onnx_model import read_model
from aernet.engine.precision import to_half
from aernet.engine.rounding import largest_activations, rounding


def image(seed=0):
    return np.random.default_rng(seed).random((1, 3, 64, 64), dtype=np.float32)


def probability(model, pixels):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["probability"], {"image": pixels})[0]


def test_what_is_rounded_is_what_float16_arithmetic_gives(network):
    """ONNX's reference implementation computes in the types that the graph has, in NumPy."""
    model = read_model(network)
    half = to_half(model)
    expected = ReferenceEvaluator(half.proto).run(["probability"], {"image": image()})[0]
    assert expected.dtype == np.float32
    assert np.abs(probability(rounding(half), image()) - expected).max() < 5e-3
    assert 0 < np.abs(probability(rounding(half), image()) - probability(model.proto, image())).max() < 2e-2


def test_overflow_shows(overflowing):
    model = read_model(overflowing)
    reference, rounded = probability(model.proto, image()), probability(rounding(to_half(model)), image())
    assert np.isfinite(reference).all()
    assert not np.isfinite(rounded).all()


def test_the_largest_activations_are_those_of_the_graph(network):
    model = read_model(network)
    pixels = [image(seed=seed) for seed in range(2)]
    largest = largest_activations(model, pixels)
    assert list(largest) == [node.name for node in model.proto.graph.node]
    expected = max(np.abs(pixel[0] - np.array([0.6, 0.5, 0.5]).reshape(3, 1, 1)).max() for pixel in pixels)
    assert largest["centring"] == pytest.approx(expected)
    assert largest["sigmoid"] == pytest.approx(max(probability(model.proto, pixel).max() for pixel in pixels))
