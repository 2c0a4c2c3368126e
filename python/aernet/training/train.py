"""Training: prepares the pictures and the network of a run, and hands them to the epochs."""

from __future__ import annotations

import os
from itertools import chain
from typing import TYPE_CHECKING

import torch
from lightning_fabric import Fabric, seed_everything

from aernet.data.sources import require_table
from aernet.errors import AernetError, SourceError
from aernet.pairs import MASK_ENDING
from aernet.training.checkpoint import load_checkpoint
from aernet.training.dataset import Pictures, load_subset
from aernet.training.distil import distilled, load_masks, save_masks
from aernet.training.epochs import Epochs
from aernet.training.first_network import first_network, first_quantised
from aernet.training.learned_from import LearnedFrom, image_ids_sha256
from aernet.training.origin import read_origin
from aernet.training.start_network import require_same_network

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from aernet.training.checkpoint import Checkpoint
    from aernet.training.settings import Settings


def train(
    settings: Settings,
    data: Path,
    output: Path,
    *,
    table: Path | None = None,
    mask_ending: str = MASK_ENDING,
    licence: str | None = None,
    encoder_weights: Path | None = None,
    start: Path | None = None,
    teachers: Sequence[Path] = (),
    resume: bool = False,
    compiled: bool = False,
    quantised: bool = False,
) -> None:
    """Train a network; write `last.pt`, `best.pt` (best Jaccard index on the subset val) and `log.csv`.

    Started under `torchrun`, each process takes its share of every batch.

    Args:
        settings: the settings of the run.
        data: folder or zip file with the pairs (see `load_subset`).
        output: folder of the run; it is made if needed.
        table: the table of subsets; None takes that of `data`.
        mask_ending: what the name of a mask has behind its picture's.
        licence: the licence of the network, for its card; None leaves it to `LearnedFrom.licence`.
        encoder_weights: ImageNet weights of the encoder as a timm state dict; None lets timm download them.
            Not beside `start` or `resume`.
        start: checkpoint or exported ONNX model of the same architecture (see `settings_of_run`), whose
            weights the network starts from instead of ImageNet's. Not beside `resume`.
        teachers: models whose predictions the network learns from beside the experts' masks (see
            `distilled`). Not beside `resume`.
        resume: continue after the epoch of `last.pt`; on a CPU the result equals that of a run without
            interruption.
        compiled: whether to compile the network first: this takes minutes, and epochs become faster.
        quantised: whether to train the INT8 network that `static_quantisation` makes of `start`, a float32
            ONNX model.

    Raises:
        AernetError: `output` already holds a run or cannot be written, the weights cannot be had, or the loss
            is not a number (the batch is then saved as `nan-batch.npz`).
        SourceError: the data, or the checkpoint to resume, is missing, unreadable, or of other settings or
            pictures, the masks that a run with teachers stored are missing, `start` has another architecture,
            or two arguments contradict each other.
    """
    _require_used(settings, encoder_weights, start, teachers, resume=resume)
    last = output / "last.pt"
    if last.exists() and not resume:
        raise AernetError(
            f"{output}: holds a run already; go on with --resume, or choose another folder for --output"
        )
    fabric = _fabric()
    checkpoint = load_checkpoint(last) if resume else None
    if checkpoint and checkpoint.settings != settings:
        raise SourceError(f"{last}: was started with other settings; resume with the same preset and options")
    origins = [read_origin(model) for model in (*([start] if start else []), *teachers)]
    if start:
        require_same_network(settings, origins[0])
    table = table or require_table(data)
    training, validation = (
        load_subset(data, subset, settings.size, settings.colour, table=table, mask_ending=mask_ending)
        for subset in ("train", "val")
    )
    learned_from = LearnedFrom(
        data.resolve().name,
        table.name,
        len(training),
        len(validation),
        image_ids_sha256(training.image_ids),
        licence,
        _each_once(origin.training_data for origin in origins),
        image_ids_sha256(validation.image_ids),
    )
    if checkpoint:
        learned_from = _as_begun(learned_from, checkpoint.learned_from, last)
    training, taught = _taught(fabric, training, teachers, output / "distilled.npz", checkpoint)
    seed_everything(settings.seed, verbose=False)
    if checkpoint:
        network, inherited = checkpoint.build(), checkpoint.inherited
    else:
        network = (
            first_quantised(training, start)
            if quantised and start
            else first_network(settings, training, start, encoder_weights)
        )
        inherited = _each_once(origin.licences for origin in origins)
    epochs = Epochs(
        fabric, settings, output, network, training, validation, learned_from, inherited, taught=taught
    )
    if checkpoint:
        epochs.resume(checkpoint)
    epochs.run(compiled=compiled)


def _require_used(
    settings: Settings,
    encoder_weights: Path | None,
    start: Path | None,
    teachers: Sequence[Path],
    *,
    resume: bool,
) -> None:
    """Raise an error that names what is given though the run would not look at it."""
    if resume:
        given = {"--start": start, "--teacher": teachers, "--encoder-weights": encoder_weights}
        for option, value in given.items():
            if value:
                raise SourceError(f"{option}: a run goes on with what it was started with; leave it out")
    if encoder_weights and start:
        raise SourceError(f"--encoder-weights: the run starts from {start}; leave out this option or --start")
    if encoder_weights and not (settings.pretrained and settings.architecture == "aernet"):
        raise SourceError(
            "--encoder-weights: the network starts from random weights, as the preset says (pretrained,"
            " architecture); leave it out, or choose another preset"
        )


def _as_begun(now: LearnedFrom, begun: LearnedFrom, last: Path) -> LearnedFrom:
    """Return what a resumed run learned from before, if it is to go on with the same pictures and licence."""
    if (now.train, now.val, now.image_ids_sha256) != (begun.train, begun.val, begun.image_ids_sha256):
        raise SourceError(
            f"{last}: learned from {begun.own_pictures}, but {now.own_pictures} are other pictures;"
            " resume with the same data and table"
        )
    if begun.val_image_ids_sha256 not in {None, now.val_image_ids_sha256}:
        raise SourceError(
            f"{last}: its {begun.val} pictures of the subset val were others, which chose its best epoch;"
            " resume with the same data and table"
        )
    if now.stated_licence and now.stated_licence != begun.stated_licence:
        raise SourceError(
            f"{last}: was started with the licence {begun.licence!r}, not {now.stated_licence!r};"
            " resume without --licence"
        )
    return begun


def _each_once(lists: Iterable[list[str]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(lists)))


def _fabric() -> Fabric:
    """Return the processes of this run, with the precision that is fastest here."""
    cuda = torch.cuda.is_available()
    # A processor without bfloat16 instructions emulates them, which is slower than float32.
    processor: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    half = (
        torch.cuda.is_bf16_supported() if cuda else processor.get("avx512_bf16") or processor.get("amx_bf16")
    )
    fabric = Fabric(
        accelerator="cuda" if cuda else "cpu",
        devices=int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
        num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", "1")),
        precision="bf16-mixed" if half else "32-true",
    )
    fabric.launch()
    return fabric


def _taught(
    fabric: Fabric,
    training: Pictures,
    teachers: Sequence[Path],
    stored: Path,
    checkpoint: Checkpoint | None,
) -> tuple[Pictures, bool]:
    """Return the pictures with the masks to learn, and whether teachers took part in these.

    A resumed run reads what it stored at its start.
    """
    if checkpoint:
        # A checkpoint of an earlier aernet does not tell.
        taught = stored.exists() if checkpoint.taught is None else checkpoint.taught
        return (load_masks(training, stored), True) if taught else (training, False)
    if teachers:
        training = distilled(training, teachers)
    if fabric.is_global_zero:
        if teachers:
            save_masks(training, stored)
        else:
            stored.unlink(missing_ok=True)  # of a run that ended before its first checkpoint
    return training, bool(teachers)
