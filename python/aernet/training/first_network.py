"""The network that a run begins with: fresh, or with another network's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from aernet.engine.onnx_model import read_model
from aernet.errors import AernetError, SourceError
from aernet.files import sha256_of
from aernet.network.quantised import QuantisedNetwork
from aernet.training.colour import convert
from aernet.training.start import start_from
from aernet.training.static_quantisation import static_quantisation

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.network import SegmentationNetwork
    from aernet.training.dataset import Pictures
    from aernet.training.settings import Settings

_PICTURES_FOR_STATISTICS = 64


def first_network(
    settings: Settings, training: Pictures, start: Path | None, encoder_weights: Path | None
) -> SegmentationNetwork:
    """Return the network with its colour layer fitted to the training pictures.

    Args:
        settings: the settings of the run.
        training: the training pictures.
        start: checkpoint or exported ONNX model of the same architecture, whose weights are taken.
        encoder_weights: without `start`, ImageNet weights of the encoder as a timm state dict; None lets timm
            download them.

    Raises:
        AernetError: the weights cannot be had, or those of `start` are not of this network.
        SourceError: a file is missing.
    """
    if start is None:
        network = _with_encoder_weights(settings, encoder_weights)
        _fit_standardisation(network, training)
        return network
    network = settings.build()
    _fit_standardisation(network, training)
    start_from(network, start, _sample(training))
    return network


def first_quantised(training: Pictures, start: Path) -> QuantisedNetwork:
    """Return the INT8 network of a float32 model, with ranges measured on training pictures.

    Args:
        training: the training pictures.
        start: ONNX model that `aernet-trt export` wrote.

    Raises:
        ModelError: it is no such model, or has layers that lose too much in eight bits.
    """
    model = read_model(start)
    graph = static_quantisation(model, _sample(training).numpy())
    origin = f"{model.card.name} {model.card.version}, sha256 {sha256_of(start)}"
    graph.metadata_props.add(key="aernet.quantised_from", value=origin)
    return QuantisedNetwork(graph.SerializeToString())


def _sample(training: Pictures) -> torch.Tensor:
    """Return some training pictures as the network sees them, N x C x S x S."""
    sample = torch.linspace(0, len(training) - 1, min(len(training), _PICTURES_FOR_STATISTICS)).long()
    rgb, _ = training.batch(sample, torch.device("cpu"))
    return convert(rgb, training.colour)


def _with_encoder_weights(settings: Settings, encoder_weights: Path | None) -> SegmentationNetwork:
    if encoder_weights and not encoder_weights.is_file():
        raise SourceError(f"encoder weights {encoder_weights}: no such file")
    try:
        return settings.build(pretrained=settings.pretrained and (encoder_weights or True))
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise AernetError(
            f"encoder {settings.encoder}: its weights cannot be had ({reason});"
            " give a timm state dict with --encoder-weights"
        ) from error


def _fit_standardisation(network: SegmentationNetwork, training: Pictures) -> None:
    """Fit the colour layer to 100 pixels of every training picture."""
    pixels = training.rgb.flatten(2)
    chosen = torch.randint(pixels.shape[2], (100,))
    rgb = pixels[:, :, chosen].float() / 255  # N x 3 x 100
    colours = convert(rgb[..., None], training.colour)[..., 0]
    network.standardisation.fit(colours.transpose(1, 2).flatten(0, 1), rgb.transpose(1, 2).flatten(0, 1))
