"""What a row of a table reached: its means, and how it differs from another row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING

from aernet.evaluation.metrics import Mean, bootstrap_mean
from aernet.evaluation.paired import paired_difference

if TYPE_CHECKING:
    from aernet.reproduction.runs import Run

METRICS = {"jaccard": "Jaccard", "dice": "Dice", "thresholded_jaccard": "thresholded Jaccard"}
"""The metrics of a report, with their names there."""
NONE = "-"
"""What a report says where a row has no figure."""


@dataclass(frozen=True)
class Outcome:
    """What a row reached with one recipe."""

    runs: list[Run]
    """The finished runs, at least one; they differ in their seeds alone."""

    @cached_property
    def scores(self) -> dict[str, dict[str, float]]:
        """For each metric the score of each picture, its mean over the seeds."""
        seeds = [run.scores() for run in self.runs]
        return {
            metric: {
                image_id: fmean(getattr(scores[image_id], metric) for scores in seeds)
                for image_id in seeds[0]
            }
            for metric in METRICS
        }

    @cached_property
    def means(self) -> dict[str, Mean]:
        """For each metric the mean over pictures, with its bootstrap interval."""
        return {metric: bootstrap_mean(list(scores.values())) for metric, scores in self.scores.items()}

    def what_was_run(self) -> str:
        """Return epochs, size, seeds, minutes and the start of the weights, in words."""
        settings = self.runs[0].settings
        start, machine = (
            " / ".join(dict.fromkeys(run.circumstances()[key] for run in self.runs))
            for key in ("start", "machine")
        )
        minutes = sum(sum(run.seconds()) for run in self.runs) / 60
        words = f"{count(settings.epochs, 'epoch')}, {settings.size} px, {count(len(self.runs), 'seed')}"
        if len(self.runs) > 1:
            each = (100 * fmean(row.jaccard for row in run.scores().values()) for run in self.runs)
            words += f" (Jaccard {', '.join(f'{jaccard:.1f}' for jaccard in each)})"
        pictures = len(self.scores["jaccard"])
        return f"{words}, {start}, {minutes:.1f} min on {machine}; {pictures} test pictures"


def mean_of(outcome: Outcome | None, metric: str) -> str:
    """Return the mean of a metric with its interval, in percent."""
    if outcome is None:
        return "not run"
    mean = outcome.means[metric]
    return f"{100 * mean.mean:.1f} ({100 * mean.ci95[0]:.1f} to {100 * mean.ci95[1]:.1f})"


def difference(outcome: Outcome | None, other: Outcome | None) -> str:
    """Return by how many points the first Jaccard index is above the second, and whether that is clear."""
    if outcome is None or other is None:
        return NONE
    found = paired_difference(outcome.scores["jaccard"], other.scores["jaccard"])
    low, high = (100 * end for end in found.ci95)
    verdict = "clear" if found.is_clear else "within chance"
    return f"{100 * found.mean:+.1f} ({low:+.1f} to {high:+.1f}), {verdict}"


def count(number: int, thing: str) -> str:
    """Return "1 seed" or "2 seeds"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
