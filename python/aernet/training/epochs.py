"""The epochs of a run: training, validation, and what is kept after each."""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from lightning_fabric import Fabric, seed_everything
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch.nn import functional

from aernet.errors import AernetError
from aernet.files import replacing
from aernet.network.quantised import QuantisedNetwork
from aernet.training.augment import Augmentation
from aernet.training.checkpoint import Checkpoint
from aernet.training.colour import convert
from aernet.training.loss import segmentation_loss
from aernet.training.validate import THRESHOLDS, validate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aernet.network import SegmentationNetwork
    from aernet.training.dataset import Pictures
    from aernet.training.learned_from import LearnedFrom
    from aernet.training.settings import Settings

_SEEDS = 2**32  # as many as NumPy's generator takes


class Epochs:
    """A network on its way from the first epoch to the last.

    Args:
        fabric: the processes that share each batch.
        settings: the settings of the run.
        output: folder of the run.
        network: the network before the first epoch, or after the last finished one.
        training: the pictures to train on.
        validation: the pictures that choose the threshold and the best epoch.
        learned_from: what the run learns from.
        inherited: licences of the models that the network starts from or learns from.
        taught: whether the masks of `training` are those that `distilled` gives.
    """

    def __init__(
        self,
        fabric: Fabric,
        settings: Settings,
        output: Path,
        network: SegmentationNetwork | QuantisedNetwork,
        training: Pictures,
        validation: Pictures,
        learned_from: LearnedFrom,
        inherited: list[str],
        *,
        taught: bool,
    ) -> None:
        self._fabric = fabric
        self._settings = settings
        self._output = output
        # The optimizer takes its state to where the weights are when it is made, so they move first.
        self._network = fabric.to_device(network.train().to(memory_format=torch.channels_last))
        self._training = training
        self._validation = validation
        self._learned_from = learned_from
        self._inherited = inherited
        self._taught = taught
        self._steps = max(len(training) // settings.batch_size, 1)
        self._optimizer = _optimizer(settings, self._network)
        self._schedule = _schedule(settings, self._optimizer, self._steps)
        self._history: list[dict[str, float]] = []

    def resume(self, checkpoint: Checkpoint) -> None:
        """Take the state of optimizer, schedule and log from a checkpoint of this run."""
        self._optimizer.load_state_dict(checkpoint.optimizer)
        self._schedule.load_state_dict(checkpoint.schedule)
        self._history = list(checkpoint.history)

    def run(self, *, compiled: bool) -> None:
        """Train the epochs that are left, and write checkpoints and log after each.

        Args:
            compiled: whether to compile the network first.

        Raises:
            AernetError: a file cannot be written, or the loss is not a number.
        """
        network: torch.nn.Module = self._network
        if compiled:
            network = cast("torch.nn.Module", torch.compile(network, dynamic=False))
        self._model, self._wrapped_optimizer = self._fabric.setup(network, self._optimizer)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        hidden = not self._fabric.is_global_zero
        with Progress(*columns, TimeRemainingColumn(), disable=hidden) as progress:
            done, total = len(self._history) * self._steps, self._settings.epochs * self._steps
            bar = progress.add_task("Training", total=total, completed=done)
            for epoch in range(len(self._history), self._settings.epochs):
                start = time.perf_counter()
                loss = self._epoch(epoch, lambda: progress.advance(bar))
                self._share_statistics()
                result = validate(self._fabric, self._network, self._validation)
                chosen = result.chosen()
                row = {
                    "epoch": epoch + 1,
                    "size": self._settings.size_at(epoch),
                    "loss": loss,
                    "val_jaccard": result.jaccard[chosen],
                    "val_dice": result.dice[chosen],
                    "threshold": THRESHOLDS[chosen],
                    "seconds": time.perf_counter() - start,
                }
                self._history.append(row)
                if self._fabric.is_global_zero:
                    figures = "  ".join(f"{name} {value:.4g}" for name, value in row.items())
                    progress.console.print(figures, soft_wrap=True)
                    self._save()

    def _epoch(self, epoch: int, advance: Callable[[], None]) -> float:
        """Train on whole batches of the pictures, each at most once, and return the mean loss."""
        fabric, settings = self._fabric, self._settings
        # Each epoch has its own seed, so that a resumed run repeats an uninterrupted one.
        seed = (settings.seed * 100_003 + epoch) % _SEEDS
        order = torch.randperm(len(self._training), generator=torch.Generator().manual_seed(seed))
        seed = (seed * fabric.world_size + fabric.global_rank) % _SEEDS
        seed_everything(seed, verbose=False)
        augmentation = Augmentation(seed)
        size = settings.size_at(epoch)
        losses = []
        for indices in order[: self._steps * settings.batch_size].split(settings.batch_size):
            share = indices[fabric.global_rank :: fabric.world_size]
            rgb, mask = self._training.batch(share, fabric.device)
            if size != settings.size:
                rgb, mask = (functional.interpolate(part, size=size, mode="area") for part in (rgb, mask))
            if settings.augmentation:
                rgb, mask = augmentation(rgb, mask)
            logits = self._model(convert(rgb, settings.colour).contiguous(memory_format=torch.channels_last))
            loss = segmentation_loss(settings.loss, logits.float(), mask)
            if not torch.isfinite(loss):
                raise self._not_a_number(f"epoch {epoch + 1}: the loss is {loss.item()}", share, rgb, mask)
            self._wrapped_optimizer.zero_grad()
            fabric.backward(loss)
            self._wrapped_optimizer.step()
            self._schedule.step()
            losses.append(loss.detach())
            advance()
        return cast("torch.Tensor", fabric.all_reduce(torch.stack(losses).mean(), reduce_op="mean")).item()

    def _share_statistics(self) -> None:
        """Average the running statistics of the processes, so that all validate and save the same network."""
        for buffer in self._network.buffers():
            if buffer.is_floating_point():
                buffer.copy_(cast("torch.Tensor", self._fabric.all_reduce(buffer, reduce_op="mean")))

    def _not_a_number(
        self, what: str, indices: torch.Tensor, rgb: torch.Tensor, mask: torch.Tensor
    ) -> AernetError:
        """Save the batch that the network was given, and return the error that names it."""
        image_ids = [self._training.image_ids[index] for index in indices]
        path = self._output / "nan-batch.npz"
        with replacing(path) as temporary:
            np.savez(temporary, image_ids=image_ids, rgb=rgb.cpu().numpy(), mask=mask.cpu().numpy())
        return AernetError(
            f"{what} on {', '.join(image_ids)}; the batch is in {path};"
            " look at it, or lower the learning rate"
        )

    def _save(self) -> None:
        checkpoint = Checkpoint(
            self._settings,
            self._learned_from,
            self._network.state_dict(),
            self._optimizer.state_dict(),
            self._schedule.state_dict(),
            self._history,
            self._history[-1]["threshold"],
            self._inherited,
            self._network.graph if isinstance(self._network, QuantisedNetwork) else None,
            self._taught,
        )
        if self._history[-1]["val_jaccard"] == max(row["val_jaccard"] for row in self._history):
            checkpoint.save(self._output / "best.pt")
        with replacing(self._output / "log.csv") as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self._history[0]))
            writer.writeheader()
            writer.writerows(self._history)
        # This file comes last: a run that was stopped before it repeats the epoch and writes all files again.
        checkpoint.save(self._output / "last.pt")


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
