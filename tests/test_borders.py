"""Borders by name draw as the thresholds that they stand for, and travel with the model."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import cv2
import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest

from aernet import AernetError, ModelError, Segmenter
from aernet.borders import Border, Borders
from aernet.models import ModelCard
from aernet.pictures import read_picture

SCRIPT = Path(__file__).parents[1] / "engines" / "recalibrate.py"
BORDERS = Borders(tight=Border(0.7, 0.9), wide=Border(0.2, 1.15))
TEXT = '{"tight": {"level": 0.7, "area": 0.9}, "wide": {"level": 0.2, "area": 1.15}}'


@pytest.fixture(scope="module")
def bordered(write_model, tmp_path_factory):
    """The model of the tests with a tight and a wide border."""
    path = write_model(tmp_path_factory.mktemp("bordered") / "dark.onnx")
    proto = onnx.load(path)
    proto.metadata_props.add(key="aernet.borders", value=TEXT)
    onnx.save(proto, path)
    return path


def mask_of(model, picture, **options):
    with Segmenter(model, "cpu", **options) as segmenter:
        return segmenter(picture).mask > 0


def test_a_border_is_its_threshold_and_tight_lies_within_wide(bordered, examples):
    picture = read_picture(examples[0])
    masks = {}
    for border, threshold in {"tight": 0.7, "isic": 0.4, "wide": 0.2}.items():
        masks[border] = mask_of(bordered, picture, border=border)
        np.testing.assert_array_equal(masks[border], mask_of(bordered, picture, threshold=threshold))
    np.testing.assert_array_equal(masks["isic"], mask_of(bordered, picture))
    for inner, outer in (("tight", "isic"), ("isic", "wide")):
        assert not np.any(masks[inner] & ~masks[outer])
        assert masks[inner].sum() < masks[outer].sum()


def test_border_and_threshold_exclude_each_other(bordered):
    for border in ("isic", "tight"):
        with pytest.raises(
            AernetError, match=rf"^border '{border}' and threshold 0\.3 both say how wide to draw"
        ):
            Segmenter(bordered, threshold=0.3, border=border)
    with pytest.raises(AernetError, match=r"^border must be 'isic', 'tight' or 'wide', found 'snug'"):
        Segmenter(bordered, border="snug")


def test_an_older_model_has_the_border_isic_alone(model, metadata):
    card = ModelCard.from_metadata(metadata)
    assert card.borders is None
    assert card.level("isic") == 0.4
    with Segmenter(model, "cpu", border="isic") as segmenter:
        assert segmenter.threshold == 0.4
    with pytest.raises(ModelError, match=r"^dark: its card states no 'wide' border, only 'isic'; give a"):
        Segmenter(model, border="wide")


def test_the_card_reads_what_was_written(metadata):
    card = ModelCard.from_metadata(metadata | {"aernet.borders": msgspec.json.encode(BORDERS).decode()})
    assert card.borders == BORDERS
    assert (card.level("tight"), card.level("isic"), card.level("wide")) == (0.7, 0.4, 0.2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        TEXT.replace("tight", "snug"),
        TEXT.replace("0.7", "1"),
        TEXT.replace("0.7", "0.1"),
        TEXT.replace("1.15", "0"),
    ],
)
def test_borders_that_cannot_be_are_named(metadata, text):
    with pytest.raises(ModelError, match=r"^aernet\.borders must be a JSON object of tight and wide"):
        ModelCard.from_metadata(metadata | {"aernet.borders": text})


def test_the_script_changes_borders_and_quality_and_nothing_else(bordered, examples, tmp_path):
    specification = importlib.util.spec_from_file_location("recalibrate", SCRIPT)
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    for folder in ("pictures", "masks"):
        (tmp_path / folder).mkdir()
    table = "image_id,subset\n"
    for picture in examples:
        shutil.copy(picture, tmp_path / "pictures")
        mask = np.roll(mask_of(bordered, read_picture(picture)), 20, 1)
        cv2.imwrite(str(tmp_path / "masks" / f"{picture.stem}_segmentation.png"), np.uint8(255) * mask)
        table += f"{picture.stem},val\n"
    (tmp_path / "split.csv").write_text(table)
    path = tmp_path / "dark.onnx"
    path.write_bytes(bordered.read_bytes())
    places = tmp_path / "pictures", tmp_path / "masks", tmp_path / "split.csv"
    written = []
    for _ in range(2):  # again on top of itself
        script.main([path], *places, "val")
        written.append(path.read_bytes())
    assert written[0] == written[1]
    before, after = onnx.load(bordered), onnx.load(path)
    assert after.graph == before.graph
    properties = {entry.key: entry.value for entry in after.metadata_props}
    assert len(properties) == len(after.metadata_props)
    card = ModelCard.from_metadata(properties)
    assert card.borders not in (None, BORDERS)
    assert card.quality is not None
    changed = {"aernet.borders", "aernet.quality"}
    others = {entry.key: entry.value for entry in before.metadata_props if entry.key not in changed}
    assert {name: text for name, text in properties.items() if name not in changed} == others
    image = np.random.default_rng(0).random((2, 3, 64, 64), np.float32)
    answers = [
        onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"image": image})
        for file in (bordered, path)
    ]
    np.testing.assert_array_equal(*answers)
