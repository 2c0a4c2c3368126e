"""Export of a checkpoint to an ONNX file with its model card, if the file agrees with PyTorch."""

from __future__ import annotations

import json
import subprocess
import warnings
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import onnx
import onnxruntime
import torch

from aernet._native import __version__, preprocess
from aernet.engine.onnx_model import narrowed
from aernet.engine.subpixel import with_subpixel_head
from aernet.errors import ModelError
from aernet.files import replacing
from aernet.network.quantised import QuantisedNetwork
from aernet.pictures import read_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aernet.training.checkpoint import Checkpoint

OPSET = 18
LARGEST_DIFFERENCE = 1e-4
LARGEST_DIFFERENCE_OF_HALF_WEIGHTS = 0.02
LARGEST_DIFFERENCE_OF_INT8 = 0.1
_PICTURES_AT_ONCE = 16


def export(
    checkpoint: Checkpoint,
    pictures: Sequence[Path],
    metrics: dict[str, Any] | None,
    output: Path,
    calibration: dict[str, Any] | None = None,
    *,
    half_weights: bool = False,
) -> float:
    """Write the checkpoint's network as ONNX.

    Args:
        checkpoint: a trained network.
        pictures: real pictures on which ONNX Runtime and PyTorch must agree.
        metrics: the metrics for the model card, with their protocol; None takes those that
            the network had in validation; a mean of several checkpoints has none.
        output: the ONNX file.
        calibration: what `aernet-trt calibrate` wrote; the scaling goes into the head, the rest on the card.
        half_weights: whether to store the weights as float16, which halves the file and may change
            probabilities by up to 0.02.

    Returns:
        The largest difference between a probability of PyTorch and of the written file on these pictures.

    Raises:
        ModelError: the network sees another colour space than CIELAB, or the difference is above 1e-4, or
            above 0.02 with `half_weights`, or for an INT8 network above 0.1; nothing is written.
    """
    if checkpoint.settings.colour != "cielab":
        raise ModelError(
            f"{output}: not written, the network sees {checkpoint.settings.colour}, and models see CIELAB;"
            ' train it with colour = "cielab"'
        )
    if half_weights and checkpoint.graph:
        raise ModelError(
            f"{output}: not written, the weights of an INT8 model have eight bits already; leave out"
            " --half-weights"
        )
    size = checkpoint.settings.size
    network = checkpoint.build()
    if calibration:
        network.scale_logits(**calibration["scaling"])
    if isinstance(network, QuantisedNetwork):
        model, limit = network.to_onnx(), LARGEST_DIFFERENCE_OF_INT8
    else:
        folded = deepcopy(network)
        folded.standardisation.fold_into(folded.first_convolution)
        model, limit = with_subpixel_head(_to_onnx(_with_sigmoid(folded), size)), LARGEST_DIFFERENCE
    for key, value in _card(checkpoint, metrics, calibration).items():
        model.metadata_props.add(key=f"aernet.{key}", value=value)
    onnx.checker.check_model(model, full_check=True)
    whole = _with_sigmoid(network)
    difference = _difference(model, whole, pictures, size, limit, output)
    if half_weights:
        model, limit = narrowed(model), LARGEST_DIFFERENCE_OF_HALF_WEIGHTS
        difference = _difference(model, whole, pictures, size, limit, output)
    with replacing(output) as temporary:
        onnx.save(model, temporary)
    return difference


def _with_sigmoid(network: torch.nn.Module) -> torch.nn.Module:
    return torch.nn.Sequential(network, torch.nn.Sigmoid()).eval()


@torch.no_grad()
def _difference(
    model: onnx.ModelProto,
    network: torch.nn.Module,
    pictures: Sequence[Path],
    size: int,
    limit: float,
    output: Path,
) -> float:
    """Return the largest difference of ONNX Runtime's probabilities, or raise if it is above the limit."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    differences = []
    for start in range(0, len(pictures), _PICTURES_AT_ONCE):
        some = pictures[start : start + _PICTURES_AT_ONCE]
        images = np.stack([preprocess(read_picture(path), size) for path in some])
        expected = network(torch.from_numpy(images)).numpy()
        (probability,) = session.run(["probability"], {"image": images})
        differences.append(np.abs(expected - probability).max())
    difference = float(np.max(differences))
    if not difference <= limit:
        raise ModelError(
            f"{output}: not written, ONNX Runtime and PyTorch disagree by {difference:.1e} (limit {limit:g})"
        )
    return difference


def _to_onnx(network: torch.nn.Module, size: int) -> onnx.ModelProto:
    with warnings.catch_warnings():
        # The exporter warns of its own internals, which a user cannot change.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (torch.rand(2, 3, size, size),),
            input_names=["image"],
            output_names=["probability"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ModelError("the network could not be exported to ONNX")
    model: onnx.ModelProto = program.model_proto
    for entry in (*model.graph.node, *model.graph.value_info, model.graph):
        # The exporter's notes on its Python sources are larger than the graph and hold paths of this machine.
        del entry.metadata_props[:]
        entry.doc_string = ""
    return model


def _card(
    checkpoint: Checkpoint, metrics: dict[str, Any] | None, calibration: dict[str, Any] | None
) -> dict[str, str]:
    settings, learned_from = checkpoint.settings, checkpoint.learned_from
    licences = dict.fromkeys([learned_from.licence, *checkpoint.inherited])
    return {
        "name": settings.name,
        "version": __version__,
        "size": str(settings.size),
        "threshold": f"{calibration['threshold'] if calibration else checkpoint.threshold:g}",
        "training_data": learned_from.training_data,
        "licence": "; learned from a model whose licence is ".join(licences),
        "metrics": json.dumps(_in_validation(checkpoint) if metrics is None else metrics),
        "revision": _revision(),
        "network": msgspec.json.encode(settings.network).decode(),
        **({name: json.dumps(calibration[name]) for name in ("quality", "borders")} if calibration else {}),
    }


def _in_validation(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the metrics of this network, with which its last epoch ended; a mean of several has none."""
    if not checkpoint.history:
        return {}
    size, row = checkpoint.settings.size, checkpoint.history[-1]
    return {
        "protocol": f"per-image means at {size} x {size} on the validation subset",
        "jaccard": row["val_jaccard"],
        "dice": row["val_dice"],
    }


def _revision() -> str:
    """Return the git revision if the working folder is a checkout, else the version of the package."""
    if not Path("python/aernet").is_dir():
        return __version__
    try:
        command = ["git", "describe", "--always", "--dirty"]  # the user's own git
        return subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL).strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return __version__
