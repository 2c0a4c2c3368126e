from __future__ import annotations

import importlib.util
from pathlib import Path

import timm
import torch

SCRIPT = Path(__file__).parents[2] / "engines" / "efficientnet_from_lite.py"


def test_b1_from_lite1_keeps_the_shared_layers_and_starts_the_others_as_identities():
    specification = importlib.util.spec_from_file_location("efficientnet_from_lite", SCRIPT)
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    torch.manual_seed(0)
    lite = timm.create_model("tf_efficientnet_lite1", pretrained=False, num_classes=0)
    network = timm.create_model("tf_efficientnet_b1", pretrained=False, num_classes=0).eval()
    network.load_state_dict(script.converted(lite.state_dict(), "tf_efficientnet_b1"))
    copied = [key for key, weight in lite.state_dict().items() if weight.equal(network.state_dict()[key])]
    assert copied == list(lite.state_dict())
    features = torch.rand(2, 16, 32, 32)
    with torch.no_grad():
        assert network.blocks[0][1](features).equal(features)
        gates = []
        handle = network.blocks[2][0].se.register_forward_hook(
            lambda _, given, made: gates.append(made / given[0])
        )
        network(torch.rand(2, 3, 64, 64))
    handle.remove()
    (gate,) = gates
    torch.testing.assert_close(gate.nanmedian(), torch.tensor(0.95), atol=0.01, rtol=0)
