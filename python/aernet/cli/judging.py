"""What `evaluate` judges: a model, or masks that were written earlier."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from aernet.cli.bars import bars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aernet.borders import BorderName
    from aernet.evaluation.evaluate import Comparison, Evaluation

    Judgement: TypeAlias = tuple[Evaluation, Callable[[str], Comparison]]


@contextmanager
def judged_model(
    model: str,
    device: str,
    threshold: float | None,
    border: BorderName | None,
    images: Path,
    masks: Path,
    image_ids: frozenset[str] | None,
    source: str,
    mask_ending: str,
    *,
    largest_only: bool,
) -> Iterator[Judgement]:
    """Yield the evaluation of a model, and what compares a picture again."""
    from aernet.evaluation.evaluate import compare, evaluate
    from aernet.pairs import find_pairs
    from aernet.segmenter import Segmenter

    with Segmenter(model, device, threshold=threshold, border=border) as segmenter:
        pairs = find_pairs(images, masks, image_ids, mask_ending)
        pair_of = {pair.image_id: pair for pair in pairs}
        with bars() as progress:
            shown = progress.track(pairs, description="Evaluating")
            evaluation = evaluate(segmenter, shown, source, largest_only=largest_only)
        yield evaluation, lambda image_id: compare(segmenter, pair_of[image_id], largest_only=largest_only)


@contextmanager
def judged_masks(
    predictions: Path,
    suffix: str,
    masks: Path,
    images: Path | None,
    image_ids: frozenset[str] | None,
    source: str,
    mask_ending: str,
) -> Iterator[Judgement]:
    """Yield the evaluation of masks that were written earlier, and what shows one beside its picture."""
    from aernet.evaluation.predictions import compare_masks, evaluate_masks, find_mask_pairs
    from aernet.pairs import find_pairs

    pairs = find_mask_pairs(predictions, suffix, masks, image_ids, mask_ending)
    pair_of = {pair.image_id: pair for pair in pairs}
    pictures = find_pairs(images, masks, pair_of.keys(), mask_ending) if images else []
    picture_of = {pair.image_id: pair for pair in pictures}
    with bars() as progress:
        shown = progress.track(pairs, description="Evaluating")
        evaluation = evaluate_masks(shown, f"{predictions}/*{suffix}", source)
    yield evaluation, lambda image_id: compare_masks(pair_of[image_id], picture_of[image_id].image())
