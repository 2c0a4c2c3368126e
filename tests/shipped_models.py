"""The models that come with the package, parted by what they compute in."""

from __future__ import annotations

from aernet.engine.integers import is_quantised
from aernet.engine.onnx_model import read_model
from aernet.models import bundled_models

INT8 = [name for name, path in bundled_models().items() if is_quantised(read_model(path))]
FLOAT32 = sorted(bundled_models().keys() - set(INT8))
