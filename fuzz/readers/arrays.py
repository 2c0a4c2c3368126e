"""Frames and maps as NumPy arrays of any type, byte order, shape and strides, which Python may hand over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import atheris
import numpy as np

from aernet import AernetError, mask_from_probability, preprocess

if TYPE_CHECKING:
    from pathlib import Path

_TYPES = ["u1", "i1", "?", "<u2", ">u2", "<f2", "<f4", ">f4", "<f8", "O", "S3", "M8[s]", "u1,u1"]


def read(data: bytes, _folder: Path) -> None:
    numbers = atheris.FuzzedDataProvider(data)
    use = (_preprocess, _mask)[numbers.ConsumeBool()]
    usual = "u1" if use is _preprocess else "f4"
    kind = usual if numbers.ConsumeIntInRange(0, 3) else numbers.PickValueInList(_TYPES)
    axes = numbers.ConsumeIntInRange(0, 9)
    axes = axes if axes < 5 else 2 + axes % 2  # most arrays have two or three
    shape = [numbers.ConsumeIntInRange(0, 40 if axes < 4 else 4) for _ in range(axes)]
    if len(shape) == 3:
        shape[2] = numbers.PickValueInList([3, 4, 1, 3, 2, 5])
    whole = np.zeros([2 * side for side in shape], kind)
    if whole.dtype.kind in "uif":
        values = np.frombuffer(numbers.ConsumeBytes(64) or b"\0", np.uint8)
        content = np.resize(values, whole.shape) / (255 if whole.dtype.kind == "f" else 1)
        whole[...] = content.astype(whole.dtype)
    view = np.asarray(whole)[
        tuple(slice(None, None, numbers.PickValueInList([1, 2, -1, -2])) for _ in shape) or ...
    ]
    if not numbers.ConsumeIntInRange(0, 3):
        view = view.transpose(sorted(range(view.ndim), key=lambda _: numbers.ConsumeIntInRange(0, 9)))
    use(view, numbers)


def _preprocess(view: np.ndarray, numbers: atheris.FuzzedDataProvider) -> None:
    size = numbers.ConsumeIntInRange(1, 40)
    colour = numbers.PickValueInList(["bgr", "rgb", "nv12", numbers.ConsumeUnicodeNoSurrogates(5)])
    planes = preprocess(view, size, colour)
    np.testing.assert_allclose(planes, preprocess(np.ascontiguousarray(view), size, colour), atol=1e-5)
    assert planes.min() >= 0
    assert planes.max() <= 1


def _mask(view: np.ndarray, numbers: atheris.FuzzedDataProvider) -> None:
    sides = [numbers.ConsumeIntInRange(-1, 90) for _ in range(2)]
    threshold = numbers.PickValueInList([0.5, 0.25, numbers.ConsumeFloat()])
    mask = mask_from_probability(view, *sides, threshold)
    try:
        again = mask_from_probability(np.ascontiguousarray(view), *sides, threshold)
    except AernetError:
        raise AssertionError("a map is refused where it lies otherwise") from None
    np.testing.assert_array_equal(mask, again)


def seeds() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    return {f"{index}": rng.integers(0, 256, 120, np.uint8).tobytes() for index in range(8)}
