"""The runner that this process opened last for a segmenter of another process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from aernet.files import changed_ns
from aernet.forks import tell_of_forks
from aernet.runners.choice import open_runner

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.runners.base import Runner


class LatestRunner:
    """Keeps the latest runner: a pool of processes sends a segmenter anew with each task."""

    def __init__(self) -> None:
        self._forget()
        tell_of_forks(self, LatestRunner._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._latest: tuple[object, Runner] | None = None

    def open(self, model: Path, device: str) -> Runner:
        """Return the latest runner if it is that of this file and device, else open one; see `open_runner`.

        Raises:
            AernetError: there is no such device, or the model cannot run there.
            ModelError: the file is not an AER-Net model.
        """
        status = model.stat()
        wanted = (model, device, changed_ns(status), status.st_size)
        with self._lock:
            if self._latest is None or self._latest[0] != wanted:
                self._latest = (wanted, open_runner(model, device))
            return self._latest[1]


latest_runner = LatestRunner()
