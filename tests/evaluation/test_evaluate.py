from __future__ import annotations

import csv
import io
import json
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from isic_challenge_scoring.segmentation import SegmentationScore

from aernet.errors import SourceError
from aernet.evaluation.evaluate import compare, evaluate
from aernet.pairs import find_pairs

MASKS = Path(__file__).parents[2] / "python/aernet/video/masks"


@pytest.mark.parametrize("largest_only", [False, True])
def test_the_means_are_those_of_the_official_scorer_on_the_same_files(
    tmp_path, segmenter, pairs, largest_only
):
    for pair in pairs:
        segmentation = segmenter(pair.image())
        mask = segmentation.largest().mask if largest_only else segmentation.mask
        cv2.imwrite(str(tmp_path / f"{pair.image_id}_mask.png"), mask)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the scorer's own, of newer pandas
        expected = SegmentationScore.from_dir(MASKS, tmp_path).macro_average.to_dict()
    expected["thresholded_jaccard"] = expected.pop("threshold_jaccard")
    evaluation = evaluate(segmenter, pairs, "examples", largest_only=largest_only)
    means = {name: mean.mean for name, mean in evaluation.means.items()}
    del means["best_level_jaccard"]  # the probabilities are not those of the mask
    assert means == pytest.approx(expected, abs=1e-6, rel=0)


def test_the_comparison_holds_what_was_compared(segmenter, pairs):
    comparison = compare(segmenter, pairs[0], largest_only=False)
    assert comparison.image_id == pairs[0].image_id
    np.testing.assert_array_equal(comparison.image, pairs[0].image())
    np.testing.assert_array_equal(comparison.ground_truth, pairs[0].mask())
    np.testing.assert_array_equal(comparison.mask, segmenter(pairs[0].image()).mask)


def test_json_and_csv_say_the_same(segmenter, pairs):
    evaluation = evaluate(segmenter, pairs, "subset test of split.csv")
    json_file, csv_file = io.StringIO(), io.StringIO()
    evaluation.write_json(json_file)
    evaluation.write_csv(csv_file)
    content = json.loads(json_file.getvalue())
    rows = list(csv.DictReader(io.StringIO(csv_file.getvalue())))
    metrics = ["jaccard", "dice", "thresholded_jaccard", "sensitivity", "specificity", "accuracy"]
    metrics.append("best_level_jaccard")
    assert list(content) == ["n", *metrics, "protocol", "model", "threshold"]
    assert list(rows[0]) == ["image_id", *metrics]
    assert [row["image_id"] for row in rows] == [pair.image_id for pair in pairs]
    assert content["n"] == len(pairs)
    for name in metrics:
        assert list(content[name]) == ["mean", "ci95"]
        values = [float(row[name]) for row in rows]
        assert content[name]["mean"] == pytest.approx(np.mean(values), abs=1e-12)
        low, high = content[name]["ci95"]
        assert min(values) <= low <= content[name]["mean"] <= high <= max(values)
    assert content["model"] == "otsu 1.0 (abc1234)"
    assert content["threshold"] == 0.5
    for part in (
        "per-image means over 5 pictures",
        "subset test of split.csv",
        "masks' own size",
        "whole mask",
    ):
        assert part in content["protocol"]


def test_a_mask_of_another_size_than_its_picture_is_named(tmp_path, segmenter):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 30, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "a_segmentation.png"), np.zeros((20, 31), np.uint8))
    message = "^a: the picture has 30 x 20 pixels, its mask 31 x 20; both must be of one size$"
    with pytest.raises(SourceError, match=message):
        evaluate(segmenter, find_pairs(tmp_path, tmp_path), "here")
