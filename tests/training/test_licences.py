from __future__ import annotations

from dataclasses import replace

import pytest

from aernet import Segmenter
from aernet.errors import ModelError, SourceError
from aernet.export import export
from aernet.training.checkpoint import load_checkpoint
from aernet.training.origin import read_origin
from aernet.training.train import train

RESTRICTED = "CC BY-NC 4.0"


def test_a_run_inherits_the_licences_of_what_it_learned_from(
    dataset, encoder_weights, settings, write_model, metadata, examples, tmp_path
):
    settings = replace(settings, epochs=1, sizes=[32])
    train(settings, dataset, tmp_path / "first", licence=RESTRICTED, encoder_weights=encoder_weights)
    start = tmp_path / "first" / "last.pt"
    assert load_checkpoint(start).inherited == []

    train(settings, dataset, tmp_path / "second", licence="Apache-2.0", start=start)
    second = tmp_path / "second" / "last.pt"
    assert load_checkpoint(second).inherited == [RESTRICTED]

    teachers = [
        write_model(tmp_path / f"{licence}.onnx", metadata | {"aernet.licence": licence})
        for licence in ("Apache-2.0", "secret")
    ]
    longer = replace(settings, epochs=2)
    train(longer, dataset, tmp_path / "third", licence="Apache-2.0", start=second, teachers=teachers)
    third = load_checkpoint(tmp_path / "third" / "last.pt")
    assert third.inherited == ["Apache-2.0", RESTRICTED, "secret"]

    third.save(tmp_path / "third" / "best.pt")
    export(third, examples[:1], None, tmp_path / "third.onnx")
    with Segmenter(tmp_path / "third.onnx") as segmenter:
        licence = segmenter.card.licence
    assert licence == (
        "Apache-2.0; learned from a model whose licence is CC BY-NC 4.0;"
        " learned from a model whose licence is secret"
    )
    assert read_origin(tmp_path / "third.onnx").licences == [licence]


def test_a_run_that_goes_on_keeps_what_it_inherited(
    dataset, encoder_weights, settings, model, tmp_path, interrupt_in_epoch
):
    settings = replace(settings, epochs=2, sizes=[32])
    interrupt_in_epoch(2)
    with pytest.raises(KeyboardInterrupt):
        train(settings, dataset, tmp_path, licence="own", encoder_weights=encoder_weights, teachers=[model])
    train(settings, dataset, tmp_path, resume=True)
    checkpoint = load_checkpoint(tmp_path / "last.pt")
    assert (len(checkpoint.history), checkpoint.inherited) == (2, ["Apache-2.0"])
    assert checkpoint.learned_from.licence == "own"
    with pytest.raises(SourceError, match="was started with the licence 'own', not 'another'"):
        train(settings, dataset, tmp_path, licence="another", resume=True)


def test_what_has_no_licence_to_show_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"no\.pt: no such file"):
        read_origin(tmp_path / "no.pt")
    with pytest.raises(ModelError, match=r"no\.onnx: cannot be read"):
        read_origin(tmp_path / "no.onnx")
