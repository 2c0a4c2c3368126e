"""The training loop."""

from __future__ import annotations

import csv
import os
import time
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from lightning_fabric import Fabric, seed_everything
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch.nn import functional

from aernet.errors import AernetError, SourceError
from aernet.files import replacing
from aernet.network import build_network
from aernet.training.augment import Augmentation
from aernet.training.checkpoint import Checkpoint, load_checkpoint
from aernet.training.colour import CHANNELS, convert
from aernet.training.dataset import load_subset
from aernet.training.distil import distilled, load_masks, save_masks
from aernet.training.licences import licences
from aernet.training.loss import segmentation_loss
from aernet.training.start import start_from
from aernet.training.validate import THRESHOLDS, validate

PICTURES_FOR_STATISTICS = 64

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from aernet.network import SegmentationNetwork
    from aernet.training.dataset import Pictures
    from aernet.training.settings import Settings


def train(
    settings: Settings,
    data: Path,
    output: Path,
    *,
    encoder_weights: Path | None = None,
    start: Path | None = None,
    teachers: Sequence[Path] = (),
    resume: bool = False,
    compiled: bool = False,
) -> None:
    """Train a network; keep `last.pt`, `best.pt` (by Jaccard on the validation subset) and `log.csv`.

    Started under `torchrun`, every process takes its share of each batch.

    Args:
        settings: the run.
        data: folder with the ISIC 2018 pairs and the split table (see `load_subset`).
        output: folder of the run, made if needed.
        encoder_weights: ImageNet weights of the encoder as a timm state dict; None lets timm fetch its own.
        start: checkpoint or exported ONNX model whose weights the network starts from, wherever they fit, in
            place of ImageNet's.
        teachers: models that the network is to learn from beside the experts (see `distilled`).
        resume: go on after the epoch of `last.pt`; the run is then the same as one that never stopped.
        compiled: whether to compile the network first: minutes at the start, faster epochs.

    Raises:
        AernetError: `output` holds a run already or cannot be written, the weights cannot be had, or the loss
            is not a number (the batch is then in `nan-batch.npz`).
        SourceError: the data, or the checkpoint to resume, is missing or unreadable.
    """
    last = output / "last.pt"
    if last.exists() and not resume:
        raise AernetError(f"{output}: holds a run already; go on with --resume, or choose another folder")
    fabric = _fabric()
    checkpoint = load_checkpoint(last) if resume else None
    if checkpoint and checkpoint.settings != settings:
        raise SourceError(f"{last}: was started with other settings; resume with the same preset and options")
    training = load_subset(data, "train", settings.size, settings.colour)
    validation = load_subset(data, "val", settings.size, settings.colour)
    training = _with_teachers(fabric, training, teachers, output / "distilled.npz", resume=resume)
    seed_everything(settings.seed, verbose=False)
    if checkpoint:
        network = checkpoint.build()
    elif start:
        network = _started_network(settings, start, training)
    else:
        network = _fresh_network(settings, encoder_weights)
        _fit_standardisation(network, training)
    inherited = checkpoint.inherited if checkpoint else licences([*([start] if start else []), *teachers])
    run = _Run(fabric, settings, output, network, training, validation, inherited)
    if checkpoint:
        run.go_on_from(checkpoint)
    run.fit(compiled=compiled)


def _with_teachers(
    fabric: Fabric, training: Pictures, teachers: Sequence[Path], kept: Path, *, resume: bool
) -> Pictures:
    """Let teachers change the masks; a run that goes on takes them as they were when it started."""
    if resume:
        return load_masks(training, kept) if kept.exists() else training
    if not teachers:
        return training
    training = distilled(training, teachers)
    if fabric.is_global_zero:
        save_masks(training, kept)
    return training


def _fabric() -> Fabric:
    cuda = torch.cuda.is_available()
    # A processor without instructions for bfloat16 would emulate them, slower than float32.
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


def _fresh_network(settings: Settings, encoder_weights: Path | None) -> SegmentationNetwork:
    if encoder_weights and not encoder_weights.is_file():
        raise SourceError(f"encoder weights {encoder_weights}: no such file")
    try:
        return build_network(
            settings.architecture,
            settings.encoder,
            settings.widths,
            CHANNELS[settings.colour],
            pretrained=settings.pretrained and (encoder_weights or True),
        )
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise AernetError(
            f"encoder {settings.encoder}: its weights cannot be had ({reason});"
            " give a timm state dict with --encoder-weights"
        ) from error


def _started_network(settings: Settings, start: Path, training: Pictures) -> SegmentationNetwork:
    known = load_checkpoint(start).settings.colour if start.suffix == ".pt" else "cielab"
    if known != settings.colour:
        raise SourceError(f"{start}: knows pictures in {known}, the preset wants {settings.colour}")
    network = build_network(
        settings.architecture, settings.encoder, settings.widths, CHANNELS[settings.colour]
    )
    _fit_standardisation(network, training)
    sample = torch.linspace(0, len(training) - 1, min(len(training), PICTURES_FOR_STATISTICS)).long()
    rgb, _ = training.batch(sample, torch.device("cpu"))
    fresh = start_from(network, start, convert(rgb, training.colour))
    if fresh:
        Console().print(f"Not in {start}, so fresh: {', '.join(fresh)}", soft_wrap=True)
    return network


def _fit_standardisation(network: SegmentationNetwork, training: Pictures) -> None:
    """Fit the colour layer to 100 pixels of every training picture."""
    pixels = training.rgb.flatten(2)
    chosen = torch.randint(pixels.shape[2], (100,))
    rgb = pixels[:, :, chosen].float() / 255  # N x 3 x 100
    colours = convert(rgb[..., None], training.colour)[..., 0]
    network.standardisation.fit(colours.transpose(1, 2).flatten(0, 1), rgb.transpose(1, 2).flatten(0, 1))


class _Run:
    """A network on its way from the first epoch to the last."""

    def __init__(
        self,
        fabric: Fabric,
        settings: Settings,
        output: Path,
        network: SegmentationNetwork,
        training: Pictures,
        validation: Pictures,
        inherited: list[str],
    ) -> None:
        self.fabric = fabric
        self.settings = settings
        self.output = output
        self.network = network.train().to(memory_format=torch.channels_last)
        self.training = training
        self.validation = validation
        self.inherited = inherited
        self.steps = max(len(training) // settings.batch_size, 1)
        self.optimizer = _optimizer(settings, network)
        self.schedule = _schedule(settings, self.optimizer, self.steps)
        self.history: list[dict[str, float]] = []

    def go_on_from(self, checkpoint: Checkpoint) -> None:
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.schedule.load_state_dict(checkpoint.schedule)
        self.history = list(checkpoint.history)

    def fit(self, *, compiled: bool) -> None:
        network = (
            cast("torch.nn.Module", torch.compile(self.network, dynamic=False)) if compiled else self.network
        )
        self.model, self.wrapped_optimizer = self.fabric.setup(network, self.optimizer)
        with _progress(disable=not self.fabric.is_global_zero) as progress:
            done, total = len(self.history) * self.steps, self.settings.epochs * self.steps
            bar = progress.add_task("Training", total=total, completed=done)
            for epoch in range(len(self.history), self.settings.epochs):
                start = time.perf_counter()
                loss = self._epoch(epoch, lambda: progress.advance(bar))
                self._share_statistics()
                result = validate(self.fabric, self.network, self.validation)
                chosen = result.chosen()
                row = {
                    "epoch": epoch + 1,
                    "size": self.settings.size_at(epoch),
                    "loss": loss,
                    "val_jaccard": result.jaccard[chosen],
                    "val_dice": result.dice[chosen],
                    "threshold": THRESHOLDS[chosen],
                    "seconds": time.perf_counter() - start,
                }
                self.history.append(row)
                if self.fabric.is_global_zero:
                    figures = "  ".join(f"{name} {value:.4g}" for name, value in row.items())
                    progress.console.print(figures, soft_wrap=True)
                    self._save()

    def _epoch(self, epoch: int, advance: Callable[[], None]) -> float:
        """Train on every picture once and return the mean loss."""
        fabric, settings = self.fabric, self.settings
        # A seed for each epoch makes a resumed epoch the same as an uninterrupted one.
        seed = settings.seed * 100_003 + epoch
        order = torch.randperm(len(self.training), generator=torch.Generator().manual_seed(seed))
        seed = seed * fabric.world_size + fabric.global_rank
        seed_everything(seed, verbose=False)
        augmentation = Augmentation(seed)
        size = settings.size_at(epoch)
        losses = []
        for indices in order[: self.steps * settings.batch_size].split(settings.batch_size):
            share = indices[fabric.global_rank :: fabric.world_size]
            rgb, mask = self.training.batch(share, fabric.device)
            if size != settings.size:
                rgb, mask = (functional.interpolate(part, size=size, mode="area") for part in (rgb, mask))
            if settings.augmentation:
                rgb, mask = augmentation(rgb, mask)
            logits = self.model(convert(rgb, settings.colour).contiguous(memory_format=torch.channels_last))
            loss = segmentation_loss(settings.loss, logits.float(), mask)
            if not torch.isfinite(loss):
                image_ids = [self.training.image_ids[index] for index in share]
                raise self._not_a_number(
                    f"epoch {epoch + 1}: the loss is {loss.item()}", image_ids, rgb, mask
                )
            self.wrapped_optimizer.zero_grad()
            fabric.backward(loss)
            self.wrapped_optimizer.step()
            self.schedule.step()
            losses.append(loss.detach())
            advance()
        return cast("torch.Tensor", fabric.all_reduce(torch.stack(losses).mean(), reduce_op="mean")).item()

    def _share_statistics(self) -> None:
        """Average what the normalisations of each process saw, so that all judge and keep one network."""
        for buffer in self.network.buffers():
            if buffer.is_floating_point():
                buffer.copy_(cast("torch.Tensor", self.fabric.all_reduce(buffer, reduce_op="mean")))

    def _not_a_number(
        self, what: str, image_ids: list[str], rgb: torch.Tensor, mask: torch.Tensor
    ) -> AernetError:
        """Save the batch as the network was given it, and return the error that names it."""
        path = self.output / "nan-batch.npz"
        with replacing(path) as temporary:
            np.savez(temporary, image_ids=image_ids, rgb=rgb.cpu().numpy(), mask=mask.cpu().numpy())
        return AernetError(
            f"{what} on {', '.join(image_ids)}, now in {path}; look at them, or lower the learning rate"
        )

    def _save(self) -> None:
        checkpoint = Checkpoint(
            self.settings,
            self.network.state_dict(),
            self.optimizer.state_dict(),
            self.schedule.state_dict(),
            self.history,
            self.history[-1]["threshold"],
            self.inherited,
        )
        if self.history[-1]["val_jaccard"] == max(row["val_jaccard"] for row in self.history):
            checkpoint.save(self.output / "best.pt")
        with replacing(self.output / "log.csv") as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self.history[0]))
            writer.writeheader()
            writer.writerows(self.history)
        # The last, so that a run that was stopped before it does this epoch, and all of this, again.
        checkpoint.save(self.output / "last.pt")


def _optimizer(settings: Settings, network: torch.nn.Module) -> torch.optim.Optimizer:
    if settings.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    return torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=0.01)


def _schedule(
    settings: Settings, optimizer: torch.optim.Optimizer, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    if settings.schedule == "constant":
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=settings.epochs * steps, pct_start=0.15
    )


def _progress(*, disable: bool) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, disable=disable)
