from __future__ import annotations

import os
import sys
from dataclasses import asdict, replace

import pytest
import torch
from runs import LEARNED_FROM

from aernet.errors import AernetError, SourceError
from aernet.network import build_network
from aernet.training.checkpoint import FORMAT, Checkpoint, averaged, load_checkpoint
from aernet.training.settings import load_settings


class Command:
    """A pickle that runs a command when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def checkpoint(settings):
    network = build_network(settings.architecture, settings.encoder, settings.widths)
    return Checkpoint(
        settings, LEARNED_FROM, network.state_dict(), {}, {}, [{"epoch": 1, "val_jaccard": 0.5}], 0.45
    )


def test_a_checkpoint_comes_back_as_it_was(checkpoint, tmp_path):
    checkpoint.save(tmp_path / "a.pt")
    loaded = load_checkpoint(tmp_path / "a.pt")
    assert (loaded.settings, loaded.learned_from, loaded.history, loaded.threshold) == (
        checkpoint.settings,
        LEARNED_FROM,
        checkpoint.history,
        checkpoint.threshold,
    )
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(loaded.build()(image), checkpoint.build()(image))


def test_a_checkpoint_that_does_not_tell_what_it_learned_from_is_refused(checkpoint, tmp_path):
    checkpoint.save(tmp_path / "a.pt")
    content = torch.load(tmp_path / "a.pt", weights_only=True)
    del content["learned_from"]
    torch.save(content | {"format": "aernet-checkpoint-1"}, tmp_path / "old.pt")
    with pytest.raises(
        SourceError, match=r"old\.pt: expected format aernet-checkpoint-2, found aernet-checkpoint-1, which"
    ):
        load_checkpoint(tmp_path / "old.pt")


def test_a_checkpoint_of_an_earlier_aernet_does_not_tell_what_came_later(checkpoint, tmp_path):
    checkpoint.save(tmp_path / "a.pt")
    content = torch.load(tmp_path / "a.pt", weights_only=True)
    del content["taught"], content["learned_from"]["val_image_ids_sha256"]
    torch.save(content, tmp_path / "earlier.pt")
    earlier = load_checkpoint(tmp_path / "earlier.pt")
    assert earlier.taught is None
    assert earlier.learned_from == LEARNED_FROM


def test_the_mean_of_checkpoints_is_that_of_their_weights(checkpoint):
    torch.manual_seed(3)
    network = {
        name: weight + torch.rand_like(weight) if weight.is_floating_point() else weight + 7
        for name, weight in checkpoint.network.items()
    }
    later = replace(checkpoint, network=network, threshold=0.6)
    mean = averaged([checkpoint, later])
    assert (mean.settings, mean.threshold) == (later.settings, later.threshold)
    for name, weight in mean.network.items():
        if weight.is_floating_point():
            assert torch.allclose(weight, (checkpoint.network[name] + network[name]) / 2)
        else:
            assert torch.equal(weight, network[name])
    assert mean.build()
    with pytest.raises(SourceError, match="where they are of one run; these differ in settings"):
        averaged([checkpoint, replace(checkpoint, settings=replace(checkpoint.settings, seed=5))])
    with pytest.raises(SourceError, match="these differ in settings, pictures"):
        averaged([checkpoint, replace(checkpoint, learned_from=replace(LEARNED_FROM, train=9))])
    with pytest.raises(SourceError, match=r"these differ in .* their INT8 graph"):
        averaged([replace(checkpoint, graph=b"one"), replace(checkpoint, graph=b"other")])


@pytest.mark.skipif(sys.platform == "win32", reason="limits as POSIX has them")
def test_a_full_disk_leaves_the_old_checkpoint_whole(checkpoint, tmp_path):
    import resource

    checkpoint.save(tmp_path / "a.pt")
    before = (tmp_path / "a.pt").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(AernetError, match=r"a\.pt: cannot be written \(File too large\)$"):
            replace(checkpoint, threshold=0.6).save(tmp_path / "a.pt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "a.pt").read_bytes() == before
    assert load_checkpoint(tmp_path / "a.pt").threshold == checkpoint.threshold
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_other_files_are_refused(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        load_checkpoint(tmp_path / "absent.pt")
    (tmp_path / "text.pt").write_text("no checkpoint")
    torch.save({"weights": torch.ones(1)}, tmp_path / "other.pt")
    torch.save(Command(tmp_path / "broken-in"), tmp_path / "command.pt")
    for name in ("text.pt", "other.pt", "command.pt"):
        with pytest.raises(SourceError, match=f"checkpoint .*{name}: not a checkpoint of this package"):
            load_checkpoint(tmp_path / name)
    assert not (tmp_path / "broken-in").exists()
    for content in ({}, {"settings": 5}, {"settings": {}}, {"settings": asdict(load_settings("unet"))}):
        torch.save({"format": FORMAT} | content, tmp_path / "part.pt")
        with pytest.raises(SourceError, match=r"checkpoint .*part\.pt: (parts of it are missing|lacks)"):
            load_checkpoint(tmp_path / "part.pt")
