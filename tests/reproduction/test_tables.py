from __future__ import annotations

import pytest
import timm
import torch

from aernet.network import build_network
from aernet.reproduction.tables import RECIPES, TABLES
from aernet.training.colour import CHANNELS
from aernet.training.settings import load_settings

ROWS = [row for table in TABLES for row in table.rows]


NETWORKS = {
    (settings.architecture, settings.encoder, CHANNELS[settings.colour]): settings
    for settings in (load_settings(row.preset, **row.changes) for row in ROWS)
}


@pytest.mark.parametrize(
    "settings", NETWORKS.values(), ids=["-".join(map(str, network)) for network in NETWORKS]
)
def test_a_row_is_a_network_with_imagenet_weights_at_timm(settings):
    channels = CHANNELS[settings.colour]
    with torch.device("meta"), torch.no_grad():
        network = build_network(settings.architecture, settings.encoder, settings.widths, channels)
        assert network(torch.rand(2, channels, 64, 64)).shape == (2, 1, 64, 64)
    assert timm.is_model_pretrained(settings.encoder)


def test_a_row_is_named_by_its_title_in_all_tables():
    assert len({row.title for row in ROWS}) == len(ROWS)
    for table in TABLES:
        assert table.reference in {row.title for row in table.rows}


def test_the_first_recipe_is_the_paper_s_and_the_other_has_augmentation_bce_and_one_cycle():
    paper, good = (load_settings("aernet-b1", **recipe.changes) for recipe in RECIPES)
    assert paper == load_settings("aernet-b1")
    assert (good.augmentation, good.loss, good.schedule) == (True, "dice+bce", "one-cycle")
    assert (good.epochs, good.batch_size, good.sizes) == (paper.epochs, paper.batch_size, paper.sizes)


def test_each_random_start_stands_beside_the_same_encoder_with_imagenet_weights():
    others = [load_settings(row.preset, **row.changes) for row in ROWS if "random start" not in row.title]
    for row in ROWS:
        if "random start" in row.title:
            settings = load_settings(row.preset, **row.changes)
            assert not settings.pretrained
            assert load_settings(row.preset, **row.changes | {"pretrained": True}) in others
