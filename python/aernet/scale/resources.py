"""What a worker takes of a cluster, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import ray

from aernet.errors import AernetError

if TYPE_CHECKING:
    from aernet.scale.portable import PortableModel


@dataclass(frozen=True)
class Share:
    """What each worker takes."""

    count: int
    """How many workers there are."""
    machines: int
    """On how many machines."""
    on_gpu: bool
    """Whether each has a GPU instead of a processor core."""

    @property
    def unit(self) -> str:
        """What a worker takes, in words."""
        return "GPU" if self.on_gpu else "processor core"

    @property
    def options(self) -> dict[str, Any]:
        """The options of an actor of Ray."""
        return {"num_cpus": 0, "num_gpus": 1} if self.on_gpu else {"num_cpus": 1, "num_gpus": 0}

    def fitted(self, model: PortableModel) -> PortableModel:
        """Return a model that uses what a worker has, and nothing else of its machine."""
        return model if self.on_gpu else replace(model, device="cpu")


def share_of_each(device: str) -> Share:
    """Divide the cluster that this process is part of: a GPU for each worker, or a processor core.

    Args:
        device: "auto" takes GPUs if there are any; "cpu" or "cuda".

    Raises:
        AernetError: it is none of these, or the cluster has no such device.
    """
    if device not in {"auto", "cpu", "cuda"}:
        raise AernetError(f"device {device!r}: the workers of a cluster take 'auto', 'cpu' or 'cuda'")
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    gpus, cores = (int(sum(machine.get(unit, 0) for machine in machines)) for unit in ("GPU", "CPU"))
    on_gpu = device == "cuda" or (device == "auto" and gpus > 0)
    count = gpus if on_gpu else cores
    share = Share(count, len(machines), on_gpu)
    if count == 0:
        raise AernetError(f"device {device!r}: the cluster has no {share.unit}")
    return share
