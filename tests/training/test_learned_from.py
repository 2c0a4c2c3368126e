"""The card of a model says what its run learned from, whatever the preset."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from runs import LEARNED_FROM

from aernet import Segmenter
from aernet.errors import SourceError
from aernet.export import export
from aernet.training.checkpoint import load_checkpoint
from aernet.training.learned_from import image_ids_sha256
from aernet.training.train import train

ISIC_2018 = "8674c5c95a9be35ab3771c28251e5d189aecf42fe15085bcd0534e429e99d710"


def card(checkpoint, examples, path):
    export(load_checkpoint(checkpoint), examples[:1], None, path)
    with Segmenter(path) as segmenter:
        return segmenter.card


def test_a_model_of_somebody_s_own_pictures_says_so(dataset, encoder_weights, settings, examples, tmp_path):
    own = tmp_path / "lesions"
    shutil.copytree(dataset, own)
    (own / "isic2018_split.csv").rename(own / "split.csv")
    settings = replace(settings, epochs=1, sizes=[64])
    train(settings, own, tmp_path / "first", encoder_weights=encoder_weights)
    first = card(tmp_path / "first" / "best.pt", examples, tmp_path / "first.onnx")
    assert first.training_data == "16 pictures of lesions, subset train of split.csv"
    assert first.licence == "not stated"

    table = tmp_path / "few.csv"
    lines = (own / "split.csv").read_text().splitlines()
    table.write_text("\n".join([lines[0], lines[1], *lines[17:21]]))
    start = tmp_path / "first.onnx"
    train(settings, own, tmp_path / "second", table=table, licence="CC BY 4.0", start=start)
    checkpoint = load_checkpoint(tmp_path / "second" / "best.pt")
    assert (checkpoint.learned_from.train, checkpoint.learned_from.val) == (1, 4)
    second = card(tmp_path / "second" / "best.pt", examples, tmp_path / "second.onnx")
    assert second.training_data == (
        "1 picture of lesions, subset train of few.csv; learned from a model trained on"
        " 16 pictures of lesions, subset train of split.csv"
    )
    assert second.licence == "CC BY 4.0; learned from a model whose licence is not stated"


def test_the_isic_2018_list_is_called_by_its_name():
    with Segmenter("aernet") as segmenter:
        shipped = segmenter.card
    known = replace(LEARNED_FROM, image_ids_sha256=ISIC_2018)
    assert (known.training_data, known.licence) == (shipped.training_data, shipped.licence)
    assert replace(known, models=[shipped.training_data]).training_data == shipped.training_data
    assert replace(known, stated_licence="MIT").licence == "MIT"


def test_the_hash_is_that_of_the_sorted_ids():
    """The digest is that of `printf 'a\\nb' | sha256sum`."""
    assert image_ids_sha256(["b", "a"]) == "7e18f737311b2dc3b2f269dd78396b0351f14fb66efa879f768cb23181883c78"


def test_a_run_goes_on_with_the_pictures_that_it_began_with(
    dataset, encoder_weights, settings, tmp_path, interrupt_in_epoch
):
    settings = replace(settings, epochs=2, sizes=[32])
    interrupt_in_epoch(2)
    with pytest.raises(KeyboardInterrupt):
        train(settings, dataset, tmp_path / "run", encoder_weights=encoder_weights)
    other = tmp_path / "other.csv"
    lines = (dataset / "isic2018_split.csv").read_text().splitlines()
    other.write_text("\n".join([*lines[:16], lines[17], lines[18], lines[19], lines[20]]))
    with pytest.raises(SourceError, match=r"learned from 16 pictures of .*, but 15 pictures of .* are other"):
        train(settings, dataset, tmp_path / "run", table=other, resume=True)
    val = [line.replace(",test", ",val") for line in lines[19:23]]
    other.write_text("\n".join([*lines[:17], *val]))
    with pytest.raises(SourceError, match=r"last\.pt: its 4 pictures of the subset val were others"):
        train(settings, dataset, tmp_path / "run", table=other, resume=True)
