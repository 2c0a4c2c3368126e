"""Real-time lesion segmentation for dermoscopy.

The one door is `Segmenter`: a frame in, a `Segmentation` out. `preprocess` and `mask_from_probability` are
the two ends of the road, for those who run a model in their own way.
"""

from __future__ import annotations

from aernet._native import mask_from_probability, preprocess, set_num_threads
from aernet.errors import AernetError, FrameError, ModelError, SourceError
from aernet.segmentation import Segmentation
from aernet.segmenter import Segmenter

__version__: str

__all__ = [
    "AernetError",
    "FrameError",
    "ModelError",
    "Segmentation",
    "Segmenter",
    "SourceError",
    "__version__",
    "mask_from_probability",
    "preprocess",
    "set_num_threads",
]


def __getattr__(name: str) -> str:
    """Look up `__version__` when it is asked for: reading the package's metadata takes its time."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # noqa: PLC0415

    return version(__name__)
