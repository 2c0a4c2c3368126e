"""Finds pictures of the same lesion: copies of a photograph, or several photographs of one lesion."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress

_SIDE = 160  # longer side of the lesion with its margin, in pixels
_LEAST_SIDE = 16  # of a picture in which OpenCV looks for features
_MARGIN = 0.2  # relative to the lesion's longer side
_FEATURES = 150
_VOTING_FEATURES = 40
_VOTING_LIKENESS = 0.92
_VOTES = 2
_MATCHING_LIKENESS = 0.85
_DEVIATION = 4.0  # largest distance of a matched feature from where the map puts it, in pixels
_LEAST_MATCHES = 14  # unrelated lesions of ISIC 2018 reach 8, rarely 13
_LARGEST_SCALE = 3.0


@dataclass(frozen=True)
class Appearance:
    """The strongest SIFT features of a lesion and the skin around it, the strongest first."""

    points: npt.NDArray[np.float32]
    """N x 2: x and y in pixels of the lesion's picture at its own scale."""
    descriptors: npt.NDArray[np.float32]
    """N x 128: RootSIFT (Arandjelovic and Zisserman, CVPR 2012), each of length 1."""


def appearance(picture: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8]) -> Appearance:
    """Describe the lesion of a picture, independent of its place, size and colours.

    Args:
        picture: uint8 BGR, H x W x 3.
        mask: uint8, H x W, not 0 where the lesion is; with an empty mask the whole picture is described.
    """
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0:
        height, width = mask.shape
    margin = round(_MARGIN * max(width, height))
    lesion = picture[max(y - margin, 0) : y + height + margin, max(x - margin, 0) : x + width + margin]
    scale = _SIDE / max(lesion.shape[:2])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    width, height = (max(_LEAST_SIDE, round(scale * side)) for side in lesion.shape[1::-1])
    resized = cv2.resize(lesion, (width, height), interpolation=interpolation)
    gray = cv2.cvtColor(resized, cv2.COLOR_BGR2GRAY)
    # Without a least contrast, a smooth lesion has features too.
    sift = cv2.SIFT.create(contrastThreshold=0)
    strongest = sorted(sift.detect(gray, None), key=lambda point: -point.response)[:_FEATURES]
    keypoints, descriptors = sift.compute(gray, strongest)
    if not keypoints:
        return Appearance(np.empty((0, 2), np.float32), np.empty((0, 128), np.float32))
    shares = descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1)
    return Appearance(np.array([point.pt for point in keypoints], np.float32), np.sqrt(shares))


def find_same_lesions(appearances: Sequence[Appearance], progress: Progress) -> list[tuple[int, int]]:
    """Return which lesions are the same, as sorted pairs of indices with the lower index first.

    Two pictures of a lesion may differ in rotation, scale, colour and slight shear, but not be mirrored. Each
    of the strongest features of a picture votes for the picture with the most similar feature; two votes make
    a candidate. A candidate shows the same lesion if an affine map puts enough of its features onto those of
    the other picture.

    Args:
        appearances: one for each picture.
        progress: shows how much is done.
    """
    counts = [len(each.points[:_VOTING_FEATURES]) for each in appearances]
    if not any(counts):
        return []
    descriptors = np.concatenate([each.descriptors[:_VOTING_FEATURES] for each in appearances])
    owner = np.repeat(np.arange(len(appearances)), counts)
    votes: Counter[tuple[int, int]] = Counter()
    ranges = list(pairwise(np.cumsum([0, *counts]).tolist()))
    for voter, (first, last) in enumerate(progress.track(ranges, description="Comparing")):
        likeness = descriptors[first:last] @ descriptors.T
        likeness[:, first:last] = 0
        nearest = likeness.argmax(axis=1)
        convincing = likeness.max(axis=1) > _VOTING_LIKENESS
        for other in owner[nearest[convincing]].tolist():
            votes[min(voter, other), max(voter, other)] += 1
    candidates = sorted(pair for pair, count in votes.items() if count >= _VOTES)
    return [(one, other) for one, other in candidates if _is_same(appearances[one], appearances[other])]


def _is_same(one: Appearance, other: Appearance) -> bool:
    likeness = one.descriptors @ other.descriptors.T
    nearest = likeness.argmax(axis=1)
    indices = np.arange(len(nearest))
    mutual = likeness.argmax(axis=0)[nearest] == indices
    chosen = indices[mutual & (likeness[indices, nearest] > _MATCHING_LIKENESS)]
    if len(chosen) < _LEAST_MATCHES:
        return False
    origins, targets = one.points[chosen], other.points[nearest[chosen]]
    affine, agrees = cv2.estimateAffine2D(origins, targets, ransacReprojThreshold=_DEVIATION)
    if affine is None or agrees.sum() < _LEAST_MATCHES:
        return False
    scales = np.linalg.svd(affine[:, :2], compute_uv=False)
    return bool(scales[0] < _LARGEST_SCALE and scales[1] > 1 / _LARGEST_SCALE)
