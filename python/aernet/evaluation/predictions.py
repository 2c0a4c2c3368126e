"""Compares masks that were written earlier, as `aernet-trt segment` does, with experts' masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aernet.containers import Container, open_container
from aernet.errors import SourceError
from aernet.evaluation.evaluate import Comparison, Evaluation
from aernet.evaluation.metrics import score
from aernet.masks import decode_mask, looks_inverted
from aernet.pairs import MASK_ENDING, expert_masks, names_by_image_id, require_all

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path, PurePosixPath

    from aernet.arrays import HostImage


@dataclass(frozen=True)
class MaskPair:
    """A mask to judge with its expert's mask; both are read on demand."""

    image_id: str
    """The picture's name without its ending."""

    _predictions: Container
    _prediction_name: str
    _masks: Container
    _mask_name: str

    def read(self) -> tuple[HostImage, HostImage]:
        """Read the mask to judge and the expert's, each uint8, H x W, 255 for lesion and 0 for skin.

        Raises:
            SourceError: one of them is no mask, or they differ in size.
        """
        prediction, truth = (
            decode_mask(container.data(name), f"{container.path}/{name}")
            for container, name in (
                (self._predictions, self._prediction_name),
                (self._masks, self._mask_name),
            )
        )
        if prediction.shape != truth.shape:
            sizes = [f"{mask.shape[1]} x {mask.shape[0]}" for mask in (prediction, truth)]
            raise SourceError(
                f"{self.image_id}: the mask to judge has {sizes[0]} pixels, the expert's {sizes[1]};"
                " both must be of one size"
            )
        return prediction, truth


def find_mask_pairs(
    predictions: Path,
    suffix: str,
    masks: Path,
    image_ids: Collection[str] | None = None,
    mask_ending: str = MASK_ENDING,
) -> list[MaskPair]:
    """Pair each mask `<image_id><suffix>` of `predictions` with `<image_id>_segmentation.png` of `masks`.

    Args:
        predictions: a folder, searched recursively, or a zip file.
        suffix: the ending of the names of the masks to judge, such as `_mask.png`.
        masks: a folder or zip file of experts' masks.
        image_ids: the ids to pair, each of which must have both masks; None takes all ids, and then each mask
            must have its counterpart.
        mask_ending: what the name of an expert's mask has behind its picture's, instead of `_segmentation`.

    Raises:
        SourceError: as for `aernet.pairs.find_pairs`.
    """

    def predicted_id(name: PurePosixPath) -> str | None:
        is_one = name.name.lower().endswith(suffix.lower()) and len(name.name) > len(suffix)
        return name.name[: -len(suffix)] if is_one else None

    judged, experts = open_container(predictions), open_container(masks)
    judged_names = names_by_image_id(
        judged, predicted_id, f"mask named <picture>{suffix}; --suffix takes another ending"
    )
    expert_names = expert_masks(experts, mask_ending)
    wanted = judged_names.keys() | expert_names.keys() if image_ids is None else frozenset(image_ids)
    require_all(wanted, judged_names, f"no mask <picture>{suffix} in {predictions} for")
    require_all(wanted, expert_names, f"no mask <picture>{mask_ending}.png in {masks} for")
    return [
        MaskPair(image_id, judged, judged_names[image_id], experts, expert_names[image_id])
        for image_id in sorted(wanted)
    ]


def evaluate_masks(pairs: Iterable[MaskPair], masks_named: str, pictures_from: str) -> Evaluation:
    """Compare masks with experts' masks.

    Args:
        pairs: at least one, each with an image id of its own.
        masks_named: what the masks to judge are called, such as "out/*_mask.png".
        pictures_from: the origin of the experts' masks, for the protocol.

    Raises:
        SourceError: a mask cannot be read, or those of a pair differ in size.
    """
    scores, inverted = {}, []
    for pair in pairs:
        prediction, truth = pair.read()
        scores[pair.image_id] = score(prediction, truth)
        if looks_inverted(truth):
            inverted.append(pair.image_id)
    protocol = (
        f"per-image means over {len(scores)} picture{'s' * (len(scores) > 1)} ({pictures_from}) "
        "at the masks' own size, whole mask; 95 % percentile bootstrap intervals"
    )
    return Evaluation(protocol, f"masks {masks_named}", None, scores, tuple(inverted))


def compare_masks(pair: MaskPair, image: HostImage) -> Comparison:
    """Return a pair of masks with the picture that they belong to, uint8 BGR, H x W x 3.

    Raises:
        SourceError: a mask cannot be read, or they differ in size.
    """
    prediction, truth = pair.read()
    return Comparison(pair.image_id, image, truth, prediction, score(prediction, truth))
