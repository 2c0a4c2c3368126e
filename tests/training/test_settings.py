from __future__ import annotations

import pytest

from aernet.errors import SourceError
from aernet.network import build_network
from aernet.training.settings import load_settings, preset_names


@pytest.mark.parametrize("preset", preset_names())
def test_presets_build_a_network(preset):
    settings = load_settings(preset)
    assert build_network(settings.architecture, settings.encoder, settings.widths)
    assert settings.size == 256


def test_the_paper_s_preset_is_the_paper_s_recipe():
    settings = load_settings("aernet-b1")
    assert (settings.encoder, settings.optimizer, settings.learning_rate) == ("efficientnet_b1", "adam", 1e-3)
    assert (settings.epochs, settings.batch_size, settings.loss) == (100, 16, "dice")
    assert not settings.augmentation


def test_sizes_share_the_epochs():
    settings = load_settings("aernet-v2b0", sizes=[128, 192, 256], epochs=6)
    assert [settings.size_at(epoch) for epoch in range(6)] == [128, 128, 192, 192, 256, 256]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "unknown setting colour"),
        ({"loss": "focal"}, "loss must be one of dice, dice[+]bce, got 'focal'"),
        ({"epochs": 2.5}, "epochs must be a whole number, got 2.5"),
        ({"sizes": [100]}, r"multiples of 32, got \[100\]"),
        ({"learning_rate": -1.0}, "learning_rate must be positive"),
        ({"augmentation": "yes"}, "augmentation must be true or false, got 'yes'"),
    ],
)
def test_a_wrong_setting_is_named(changes, message):
    with pytest.raises(SourceError, match=message):
        load_settings("aernet-v2b0", **changes)


def test_a_preset_that_is_not_there_names_those_that_are(tmp_path):
    with pytest.raises(
        SourceError, match="preset nonesuch: no such file, and not one of aernet, aernet-b1, aernet-v2b0"
    ):
        load_settings("nonesuch")
    (tmp_path / "half.toml").write_text('name = "half"\n')
    with pytest.raises(SourceError, match="lacks architecture, augmentation"):
        load_settings(str(tmp_path / "half.toml"))
    (tmp_path / "broken.toml").write_text("name = \n")
    with pytest.raises(SourceError, match="not TOML"):
        load_settings(str(tmp_path / "broken.toml"))
