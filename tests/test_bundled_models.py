"""The models that come with the package, on real pictures with experts' masks."""

from __future__ import annotations

from pathlib import Path

import pytest

from aernet import Segmenter
from aernet.evaluation.evaluate import evaluate
from aernet.files import sha256_of
from aernet.models import bundled_models
from aernet.pairs import find_pairs

ROOT = Path(__file__).parents[1]


def test_the_default_model_is_there():
    assert "aernet" in bundled_models()


@pytest.mark.parametrize("model", bundled_models())
def test_a_bundled_model_agrees_with_the_experts(model):
    pairs = find_pairs(ROOT / "examples", ROOT / "python/aernet/video/masks")
    with Segmenter(model) as segmenter:
        evaluation = evaluate(segmenter, pairs, "examples")
    assert len(evaluation.pictures) == 5
    assert evaluation.means["jaccard"].mean > 0.75


@pytest.mark.parametrize("model", bundled_models())
def test_a_bundled_model_comes_with_its_card(model):
    path = bundled_models()[model]
    assert path.stat().st_size < 30_000_000
    with Segmenter(model) as segmenter:
        card = segmenter.card
    assert card.name == model
    assert card.size == 256
    assert len(card.metrics["jaccard"]["ci95"]) == 2
    assert card.borders is not None
    assert card.borders.wide.level < card.threshold < card.borders.tight.level
    text = path.with_suffix(".md").read_text(encoding="utf-8")
    assert f"{card.metrics['jaccard']['mean']:.4f}" in text
    assert f"{card.metrics['dice']['mean']:.4f}" in text
    assert f"threshold {card.threshold:g}" in text
    assert "not a medical device" in text.lower()


def test_the_int8_model_was_made_from_the_float32_model_that_comes_with_it():
    models = bundled_models()
    with Segmenter("aernet-lite-int8") as segmenter:
        _, digest = segmenter.card.quantised_from.split(", sha256 ")
    assert digest == sha256_of(models["aernet-lite"])
