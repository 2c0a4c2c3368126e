"""The networks against their papers, timm and hand arithmetic."""

from __future__ import annotations

import pytest
import timm
import torch

from aernet.network import aernet, build_network, unet
from aernet.network.attention import AttentionGate
from aernet.network.blocks import ResidualBlock
from aernet.network.standardisation import Standardisation

ENCODER = "mobilenetv3_small_050"
WIDTHS = [32, 24, 16, 8, 8]


@pytest.mark.parametrize("architecture", ["unet", "attention-unet", "attention-residual-unet", "aernet"])
def test_logits_have_the_size_of_the_picture(architecture):
    network = build_network(architecture, ENCODER, WIDTHS).eval()
    with torch.no_grad():
        assert network(torch.rand(2, 3, 64, 96)).shape == (2, 1, 64, 96)


def test_unet_has_the_published_number_of_parameters():
    # Pytorch-UNet (milesial), transposed convolutions, three channels in, one out: 31,037,633.
    assert sum(weight.numel() for weight in unet().parameters()) == 31_037_633


def test_the_ablations_differ_by_their_parts_alone():
    def parts(network):
        return {type(module).__name__ for module in network.modules()}

    assert parts(unet(attention=True)) - parts(unet()) == {"AttentionGate", "Sigmoid"}
    residual = parts(unet(attention=True, residual=True))
    assert residual - parts(unet(attention=True)) == {"ResidualBlock"}
    assert "PlainBlock" not in residual


@pytest.mark.parametrize("encoder", ["efficientnet_b1", "tf_efficientnetv2_b0", "resnet18"])
def test_any_timm_encoder_serves(encoder):
    network = aernet(encoder, WIDTHS).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, 64, 64)).shape == (1, 1, 64, 64)


def test_encoder_weights_come_from_a_file(tmp_path):
    classifier = timm.create_model(ENCODER)
    torch.save(classifier.state_dict(), tmp_path / "weights.pth")
    encoder = aernet(ENCODER, WIDTHS, pretrained=tmp_path / "weights.pth").encoder.network
    for name, weight in encoder.state_dict().items():
        assert torch.equal(weight, classifier.state_dict()[name]), name


def test_without_the_last_stage_the_head_brings_the_resolution():
    network = aernet(ENCODER, [32, 24, 16, 8]).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, 64, 96)).shape == (1, 1, 64, 96)


def test_one_width_a_stage():
    with pytest.raises(ValueError, match=r"one a decoder stage \(4 or 5\), got 3"):
        aernet(ENCODER, [8, 8, 8])


def test_attention_gate_weighs_each_pixel_between_nothing_and_all():
    torch.manual_seed(0)
    gate = AttentionGate(6, 4)
    skip, signal = torch.rand(2, 6, 8, 8), torch.randn(2, 4, 8, 8)
    ratio = gate(skip, signal) / skip
    assert ratio.min() > 0
    assert ratio.max() < 1
    # One coefficient a pixel, the same for all channels.
    assert torch.allclose(ratio, ratio[:, :1].expand_as(ratio), atol=1e-5)


def test_residual_block_without_its_body_is_its_shortcut():
    block = ResidualBlock(4, 4).eval()
    for weight in block.body.parameters():
        torch.nn.init.zeros_(weight)
    features = torch.randn(1, 4, 5, 5)
    assert torch.equal(block(features), features.clamp(min=0))


def test_standardisation_finds_an_affine_map():
    torch.manual_seed(0)
    rgb = torch.rand(500, 3)
    mixing, shift = torch.randn(3, 3), torch.randn(3)
    standardisation = Standardisation(3)
    standardisation.fit(rgb @ mixing.T + shift, rgb)
    standardised = standardisation((rgb @ mixing.T + shift).T[None, :, :, None])[0, :, :, 0].T
    expected = (rgb - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    assert torch.allclose(standardised, expected, atol=1e-3)


def test_standardisation_maps_each_three_channels_on_their_own_and_one_to_the_mean():
    torch.manual_seed(0)
    rgb = torch.rand(500, 3)
    standardised = (rgb - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    for colours, expected in (
        (torch.cat([1 - rgb, rgb.flip(1)], dim=1), torch.cat([standardised, standardised], dim=1)),
        (standardised.mean(1, keepdim=True) * 0.1 + 0.4, standardised.mean(1, keepdim=True)),
    ):
        standardisation = Standardisation(colours.shape[1])
        standardisation.fit(colours, rgb)
        assert torch.allclose(standardisation(colours[:, :, None, None])[:, :, 0, 0], expected, atol=1e-4)
        assert not standardisation.matrix[:3, 3:].any()


@pytest.mark.parametrize("architecture", ["attention-residual-unet", "aernet"])
@pytest.mark.parametrize("channels", [1, 6])
def test_pictures_may_have_other_channels(architecture, channels):
    network = build_network(architecture, ENCODER, WIDTHS, channels).eval()
    with torch.no_grad():
        assert network(torch.rand(1, channels, 32, 32)).shape == (1, 1, 32, 32)


def test_weights_of_three_channels_serve_others(tmp_path):
    classifier = timm.create_model(ENCODER)
    torch.save(classifier.state_dict(), tmp_path / "weights.pth")
    rgb = classifier.conv_stem.weight
    for channels, expected in ((1, rgb.sum(1, keepdim=True)), (6, rgb.repeat(1, 2, 1, 1) / 2)):
        network = aernet(ENCODER, WIDTHS, channels, pretrained=tmp_path / "weights.pth")
        assert torch.allclose(network.first_convolution.weight, expected)
