from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress

import msgspec
import pytest

from aernet.engine.agreement import Agreement
from aernet.engine.layers import Layer
from aernet.engine.manifest import (
    Manifest,
    load_manifest,
    manifest_path,
    record_verification,
    write_engine,
)
from aernet.errors import AernetError, EngineError

PASSED = Agreement("a GPU", 5, 0.9999, 0.999, 0.001, 0)


@pytest.fixture
def engine(write_crafted, tmp_path):
    return write_crafted(tmp_path / "folder" / "darker.engine")


def test_it_lies_beside_its_engine_and_says_what_was_said(engine, write_crafted):
    assert sorted(path.name for path in engine.parent.iterdir()) == ["darker.engine", "darker.engine.json"]
    manifest = load_manifest(engine)
    assert manifest.plan_sha256 == hashlib.sha256(engine.read_bytes()).hexdigest()
    assert (manifest.card.name, manifest.batch, manifest.compute_capabilities) == (
        "darker",
        (1, 1, 8),
        ("8.6", "8.9", "12.0", "12.1"),
    )
    full = {"conversion": PASSED, "verification": PASSED, "gpu": "NVIDIA Orin", "workspace_mib": 512}
    full |= {"multiprocessors": 8, "board": "a board", "layers": (Layer("a", "b", ("float16",), (), ("c",)),)}
    write_crafted(engine, **full)
    again = load_manifest(engine)
    assert {name: getattr(again, name) for name in full} == full


def test_an_engine_that_never_ran_says_so(engine):
    content = json.loads(manifest_path(engine).read_text())
    assert content["verification"] == "not verified: no GPU"


def test_the_first_run_on_a_gpu_is_recorded(engine):
    before = load_manifest(engine)
    record_verification(engine, PASSED)
    assert load_manifest(engine) == msgspec.structs.replace(before, verification=PASSED)


def test_a_missing_manifest_names_the_command(engine):
    manifest_path(engine).unlink()
    with pytest.raises(
        EngineError, match=r"manifest darker\.engine\.json is missing.*aernet-trt build-engine"
    ):
        load_manifest(engine)


def test_every_changed_byte_of_a_manifest_is_seen(engine):
    content = manifest_path(engine).read_bytes()
    intact = load_manifest(engine)
    for position in range(len(content)):
        changed = content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
        with suppress(ValueError):
            # Only a byte that means nothing, such as one of indentation, may differ.
            assert Manifest.from_json(changed.decode("latin-1")) == intact
    manifest_path(engine).write_bytes(content[: len(content) // 2])
    with pytest.raises(EngineError, match="not the manifest of an engine"):
        load_manifest(engine)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"format": "aernet-engine-0"}',
        '{"format": "aernet-engine-2"}',
        "\xff",
        "[" * 100_000,
    ],
    ids=range(8),
)
def test_what_is_no_manifest(engine, text):
    manifest_path(engine).write_text(text, encoding="latin-1")
    with pytest.raises(EngineError, match=r"darker\.engine\.json: not the manifest of an engine"):
        load_manifest(engine)


def test_a_folder_in_its_place(engine):
    manifest_path(engine).unlink()
    manifest_path(engine).mkdir()
    with pytest.raises(EngineError, match="cannot be read"):
        load_manifest(engine)


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("survived", [0, 1])
def test_a_crash_leaves_no_pair_that_does_not_belong_together(engine, monkeypatch, survived):
    """Of the two renames, none or only the first happens."""
    old = load_manifest(engine)
    plan = b"vtrt" + bytes(60)
    new = msgspec.structs.replace(old, plan_sha256=hashlib.sha256(plan).hexdigest())
    renames = []
    replace = os.replace

    def crashing(source, target):
        if len(renames) == survived:
            raise Crash
        renames.append(target)
        replace(source, target)

    monkeypatch.setattr("pathlib.Path.replace", crashing)
    with pytest.raises(Crash):
        write_engine(engine, plan, new)
    assert load_manifest(engine) == old
    matches = hashlib.sha256(engine.read_bytes()).hexdigest() == old.plan_sha256
    assert matches == (survived == 0)
    assert len(list(engine.parent.iterdir())) == 2


def test_a_folder_that_cannot_be_written_to(engine):
    taken = engine.parent / "taken"
    taken.touch()
    with pytest.raises(AernetError, match="cannot be written"):
        write_engine(taken / "x.engine", b"", load_manifest(engine))
