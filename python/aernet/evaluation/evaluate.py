"""Compares a segmenter with experts' masks."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

from aernet.errors import FrameError
from aernet.evaluation.metrics import Mean, Scores, best_level_jaccard, bootstrap_mean, score
from aernet.masks import looks_inverted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aernet.arrays import HostImage
    from aernet.pairs import Pair
    from aernet.picture_segmenter import PictureSegmenter

METRICS = tuple(metric.name for metric in fields(Scores))
"""The names of a mask's metrics, in the order of every table."""

BEST_LEVEL = "best_level_jaccard"
"""The name of the metric of a probability map, which comes last; see `metrics.best_level_jaccard`."""


@dataclass(frozen=True)
class Comparison:
    """One picture's segmentation beside its ground truth."""

    image_id: str
    """Name of the picture's file without its suffix."""
    image: HostImage
    """The picture, uint8 BGR, H x W x 3."""
    ground_truth: HostImage
    """The expert's mask, uint8 0 or 255, H x W."""
    mask: HostImage
    """The segmenter's mask, uint8 0 or 255, H x W."""
    scores: Scores
    """How well the two masks agree."""
    best_level_jaccard: float | None = None
    """That of `metrics.best_level_jaccard`; None for a mask that was made earlier."""


@dataclass(frozen=True)
class Evaluation:
    """The agreement of a segmenter with the ground truth over a set of pictures."""

    protocol: str
    """What was measured, and on which pictures, in one line."""
    model: str
    """Name, version and revision of the model."""
    threshold: float | None
    """The probability from which on a pixel belongs to the lesion; None for masks that were made earlier."""
    pictures: dict[str, Scores]
    """The scores of each picture by its image id; at least one."""
    inverted: tuple[str, ...] = ()
    """The image ids of experts' masks that look inverted; see `aernet.masks.looks_inverted`."""
    best_levels: dict[str, float] = field(default_factory=dict)
    """`best_level_jaccard` of each picture by its image id; empty for masks that were made earlier."""

    @cached_property
    def means(self) -> dict[str, Mean]:
        """The mean of each metric over the pictures, with its 95 % bootstrap interval."""
        rows = self._rows()
        return {
            name: bootstrap_mean([row[name] for row in rows.values()]) for name in next(iter(rows.values()))
        }

    def _rows(self) -> dict[str, dict[str, float]]:
        """Return the metrics of each picture by their names."""
        return {
            image_id: asdict(scores)
            | ({BEST_LEVEL: self.best_levels[image_id]} if image_id in self.best_levels else {})
            for image_id, scores in self.pictures.items()
        }

    def write_json(self, file: TextIO) -> None:
        """Write the number of pictures, the means with intervals and the protocol as one JSON object."""
        content = {
            "n": len(self.pictures),
            **{name: asdict(mean) for name, mean in self.means.items()},
            "protocol": self.protocol,
            "model": self.model,
            "threshold": self.threshold,
        }
        json.dump(content, file, indent=2)
        file.write("\n")

    def write_csv(self, file: TextIO) -> None:
        """Write one row for each picture: image_id and the metrics."""
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("image_id", *self.means))
        for image_id, row in self._rows().items():
            writer.writerow((image_id, *row.values()))


def compare(segmenter: PictureSegmenter, pair: Pair, *, largest_only: bool) -> Comparison:
    """Segment the picture of a pair and compare the result with its mask, at the mask's own size.

    Args:
        segmenter: the segmenter to judge.
        pair: the picture and its mask.
        largest_only: whether to judge the largest region with its holes filled instead of the whole mask.

    Raises:
        SourceError: picture or mask cannot be read, or they differ in size.
        FrameError: the model gives no probabilities for the picture.
    """
    image, ground_truth = pair.read()
    try:
        segmentation = segmenter(image)
    except FrameError as error:
        raise FrameError(f"{pair.image_id}: {error}") from None
    mask = (segmentation.largest() if largest_only else segmentation).mask
    best = best_level_jaccard(segmentation.probability, ground_truth)
    return Comparison(pair.image_id, image, ground_truth, mask, score(mask, ground_truth), best)


def evaluate(
    segmenter: PictureSegmenter, pairs: Iterable[Pair], pictures_from: str, *, largest_only: bool = False
) -> Evaluation:
    """Compare a segmenter with the masks of all pairs.

    Args:
        segmenter: the segmenter to judge.
        pairs: pictures with masks, at least one, each with an image id of its own.
        pictures_from: the origin of the pictures, for the protocol, such as "subset test of split.csv".
        largest_only: whether to judge the largest region with its holes filled instead of the whole mask.

    Raises:
        SourceError: a picture or mask cannot be read, or the two differ in size.
        FrameError: the model gives no probabilities for a picture.
    """
    scores: dict[str, Scores] = {}
    best_levels: dict[str, float] = {}
    inverted: list[str] = []
    for pair in pairs:
        comparison = compare(segmenter, pair, largest_only=largest_only)
        scores[pair.image_id] = comparison.scores
        if comparison.best_level_jaccard is not None:
            best_levels[pair.image_id] = comparison.best_level_jaccard
        if looks_inverted(comparison.ground_truth):
            inverted.append(pair.image_id)
    region = "largest region, holes filled" if largest_only else "whole mask"
    protocol = (
        f"per-image means over {len(scores)} picture{'s' * (len(scores) > 1)} ({pictures_from}) "
        f"at the masks' own size, {region}; 95 % percentile bootstrap intervals"
    )
    card = segmenter.card
    model = f"{card.name} {card.version} ({card.revision})"
    return Evaluation(protocol, model, segmenter.threshold, scores, tuple(inverted), best_levels)
