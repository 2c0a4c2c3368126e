from __future__ import annotations

import pytest

from aernet.errors import SourceError
from aernet.network import build_network
from aernet.training.colour import CHANNELS
from aernet.training.settings import load_settings, preset_names


@pytest.mark.parametrize("preset", preset_names())
def test_presets_build_a_network(preset):
    settings = load_settings(preset)
    assert build_network(settings.architecture, settings.encoder, settings.widths, CHANNELS[settings.colour])
    assert settings.size == (128 if preset == "aernet-b1-ham10000" else 256)


def test_the_paper_s_preset_is_the_paper_s_recipe():
    settings = load_settings("aernet-b1")
    assert settings.encoder == "tf_efficientnet_b1"
    assert (settings.optimizer, settings.learning_rate) == ("adam", 1e-3)
    assert (settings.epochs, settings.batch_size, settings.loss) == (100, 16, "dice")
    assert not settings.augmentation


@pytest.mark.parametrize("name", ["unet", "attention-unet", "attention-residual-unet"])
def test_the_ablations_differ_from_the_paper_s_preset_in_architecture_alone(name):
    expected = load_settings("aernet-b1", name=name, architecture=name)
    assert load_settings(name) == expected


def test_a_preset_may_have_another_as_its_base(tmp_path):
    (tmp_path / "gray.toml").write_text('base = "aernet-b1"\nname = "gray"\ncolour = "gray"\n')
    settings = load_settings(str(tmp_path / "gray.toml"), epochs=3)
    assert settings == load_settings("aernet-b1", name="gray", colour="gray", epochs=3)
    (tmp_path / "orphan.toml").write_text('base = "nonesuch"\n')
    with pytest.raises(SourceError, match="preset nonesuch: no such file"):
        load_settings(str(tmp_path / "orphan.toml"))


def test_presets_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content, message in (
        ("bytes.toml", b"\xff\xfe", r"bytes\.toml: not TOML"),
        ("number.toml", b"base = 3", r"number\.toml: base must be the name of a preset, got 3"),
        ("one.toml", b'base = "two.toml"', r"no such file"),
        ("two.toml", b'base = "one.toml"', r"is its own base \(two\.toml -> one\.toml -> two\.toml\)"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceError, match=message):
            load_settings(name)
    with pytest.raises(SourceError, match=r"\(did you mean aernet-v2b0\?\)"):
        load_settings("aernet-v2b")


def test_sizes_share_the_epochs():
    settings = load_settings("aernet-v2b0", sizes=[128, 192, 256], epochs=6)
    assert [settings.size_at(epoch) for epoch in range(6)] == [128, 128, 192, 192, 256, 256]

    few = load_settings("aernet-v2b0", sizes=[128, 192, 256], epochs=2)
    assert [few.size_at(epoch) for epoch in range(2)] == [192, 256]
    assert load_settings("aernet-v2b0", sizes=[128, 192, 256], epochs=1).size_at(0) == 256


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flavour": "red"}, "unknown setting flavour"),
        ({"licence": "CC0-1.0"}, "unknown setting licence"),
        ({"colour": "red"}, "colour must be one of cielab, rgb, hsv, hsv[+]rgb, gray, got 'red'"),
        ({"loss": "focal"}, "loss must be one of dice, dice[+]bce, got 'focal'"),
        ({"epochs": 2.5}, "epochs must be a positive whole number, got 2.5"),
        ({"epochs": 0}, "epochs must be a positive whole number, got 0"),
        ({"batch_size": 0}, "batch_size must be a positive whole number, got 0"),
        ({"seed": -1}, "seed must be a whole number from 0 to 4294967295, got -1"),
        ({"seed": 1 << 32}, "seed must be a whole number from 0 to 4294967295, got 4294967296"),
        ({"sizes": [100]}, r"multiples of 32, got \[100\]"),
        ({"learning_rate": -1.0}, "learning_rate must be a positive number, got -1.0"),
        ({"augmentation": "yes"}, "augmentation must be true or false, got 'yes'"),
    ],
)
def test_a_wrong_setting_is_named(changes, message):
    with pytest.raises(SourceError, match=message):
        load_settings("aernet-v2b0", **changes)


def test_a_preset_that_is_not_there_names_those_that_are(tmp_path):
    with pytest.raises(
        SourceError, match="preset nonesuch: no such file, and not one of aernet, aernet-b1, aernet-b1-con"
    ):
        load_settings("nonesuch")
    (tmp_path / "half.toml").write_text('name = "half"\n')
    with pytest.raises(SourceError, match="lacks architecture, augmentation"):
        load_settings(str(tmp_path / "half.toml"))
    (tmp_path / "broken.toml").write_text("name = \n")
    with pytest.raises(SourceError, match="not TOML"):
        load_settings(str(tmp_path / "broken.toml"))
