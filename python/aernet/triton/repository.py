"""Writes the folders of a model repository."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from aernet.engine.manifest import load_manifest
from aernet.errors import EngineError, ModelError
from aernet.files import filling, sha256_of
from aernet.pictures import example_pictures
from aernet.runners.onnxruntime import OnnxRuntimeRunner
from aernet.triton import configs
from aernet.whole_graph import write_whole_graph

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.models import ModelCard

_STEP = '''"""A step of the ensemble; needs `pip install aernet` in the Python of the server's backend."""

from aernet.triton.steps import {step} as TritonPythonModel

__all__ = ["TritonPythonModel"]
'''


def write_repository(model: Path, folder: Path, batch: int) -> list[str]:
    """Write a model repository, whole or not at all.

    With NAME from the model's card, it holds `NAME_network` (`image` -> `probability`), `NAME`, an ensemble
    (`picture`, the bytes of a file -> `mask`) with its steps `NAME_prepare` and `NAME_mask`, and, if the
    model is ONNX, `NAME_frames` (`frames` -> `mask`), which needs no Python.

    Args:
        model: an ONNX file of `aernet-trt export`, or an engine of `aernet-trt build-engine` for TensorRT.
        folder: absent or empty.
        batch: the most pictures of one run of the network.

    Returns:
        The names of the models that it holds.

    Raises:
        ModelError: the file is not an AER-Net model, or its name cannot be that of a folder.
        EngineError: the engine is not for TensorRT, is damaged, or does not take so many pictures, or one.
        OutputError: the folder holds something, or cannot be written.
    """
    is_engine = model.suffix == ".engine"
    card = _engine_card(model, batch) if is_engine else OnnxRuntimeRunner(model).card
    name = _folder_name(card.name)
    values = {"batch": batch, "size": card.size, "threshold": repr(card.threshold)}
    network, prepare, mask = (f"{name}_{step}" for step in ("network", "prepare", "mask"))
    backend, file = ("tensorrt", "model.plan") if is_engine else ("onnxruntime", "model.onnx")
    names = [name, network, prepare, mask]
    with filling(folder) as temporary:
        shutil.copyfile(
            model,
            _add(temporary, network, configs.NETWORK.format(name=network, backend=backend, **values)) / file,
        )
        for step, text in ((prepare, configs.PREPARE), (mask, configs.MASK)):
            program = _STEP.format(step=step.removeprefix(f"{name}_").capitalize())
            (_add(temporary, step, text.format(name=step, **values)) / "model.py").write_text(program)
        parts = {"network": network, "prepare": prepare, "mask": mask}
        _add(temporary, name, configs.ENSEMBLE.format(name=name, **parts))
        if not is_engine:
            names.append(f"{name}_frames")
            version = _add(temporary, names[-1], configs.FRAMES.format(name=names[-1], **values))
            write_whole_graph(model, version / file, example_pictures())
    return names


def _add(repository: Path, name: str, config: str) -> Path:
    """Add a model, and return the folder of its first version."""
    version = repository / name / "1"
    version.mkdir(parents=True)
    (repository / name / "config.pbtxt").write_text(config)
    return version


def _folder_name(name: str) -> str:
    """Return the name of a model, which a stranger may have given it, as that of a folder.

    Raises:
        ModelError: it has nothing that a folder's name may have.
    """
    usable = re.sub(r"[^\w.-]+", "-", name).strip(".")
    if not usable:
        raise ModelError(f"aernet.name: the model is called {name!r}, of which no folder's name can be made")
    return usable


def _engine_card(engine: Path, batch: int) -> ModelCard:
    """Return the card of an engine that Triton's TensorRT backend may load, on the GPU it was built on."""
    manifest = load_manifest(engine)
    if manifest.runtime != "tensorrt":
        raise EngineError(
            f"{engine}: is for {manifest.runtime}, but Triton runs engines of TensorRT; build one with"
            " 'aernet-trt build-engine --runtime tensorrt', or give the ONNX model"
        )
    if sha256_of(engine) != manifest.plan_sha256:
        raise EngineError(f"{engine}: not the file that its manifest was written for; build it again")
    least, _, most = manifest.batch
    if least > 1 or most < batch:
        raise EngineError(
            f"{engine}: takes {least} to {most} pictures in one run, expected 1 to {batch}; give another"
            f" --max-batch, or build it with --batch 1 1 {batch}"
        )
    return manifest.card
