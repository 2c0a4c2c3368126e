"""Real-time lesion segmentation for dermoscopy.

The one door is `Segmenter`: a frame in, a `Segmentation` out. `preprocess` and `mask_from_probability` are
the two ends of the road, for those who run a model in their own way.
"""

from __future__ import annotations

import os

# From 1.29 on, ONNX Runtime reports its use to Microsoft unless this is set before it is imported; the thread
# that does so also keeps a forked process from ending.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from aernet._native import __version__, mask_from_probability, preprocess, set_num_threads
from aernet.errors import AernetError, EngineError, FrameError, ModelError, SourceError
from aernet.nv12 import Nv12Frame
from aernet.segmentation import Segmentation
from aernet.segmenter import Segmenter

__all__ = [
    "AernetError",
    "EngineError",
    "FrameError",
    "ModelError",
    "Nv12Frame",
    "Segmentation",
    "Segmenter",
    "SourceError",
    "__version__",
    "mask_from_probability",
    "preprocess",
    "set_num_threads",
]
