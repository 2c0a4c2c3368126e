"""Recordings that somebody starts and stops."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from aernet.video.sinks import Recording

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.video import Pipeline, VideoResult


class Recorder:
    """Records what a pipeline shows, one file at a time, into a folder. Several threads may use it.

    Args:
        pipeline: gives the results.
        folder: is made with the first recording.
    """

    def __init__(self, pipeline: Pipeline, folder: Path) -> None:
        self._pipeline = pipeline
        self._folder = folder
        self._lock = threading.Lock()
        self._take: _Take | None = None
        self._paths: dict[str, Path] = {}

    @property
    def running(self) -> str | None:
        """The name of the file that is being written."""
        take = self._take
        return take.path.name if take is not None and not take.ended else None

    @property
    def finished(self) -> list[str]:
        """The names of the files that can be had, in order."""
        running = self.running
        return [name for name, path in self._paths.copy().items() if name != running and path.is_file()]

    def path(self, name: str) -> Path | None:
        """Return the file that one of the `finished` names means."""
        return self._paths[name] if name in self.finished else None

    def start(self) -> None:
        """Start a file, if none is being written.

        Raises:
            AernetError: it cannot be written, or PyAV is not installed.
        """
        with self._lock:
            if self.running is None:
                self._let_go()
                name = f"aernet-{time.strftime('%Y%m%d-%H%M%S')}-{len(self._paths) + 1}.mp4"
                take = _Take(self._folder / name)
                self._paths[name] = take.path
                self._take = take
                self._pipeline.add(take)

    def stop(self) -> None:
        """Finish the file, if one is being written."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._take is not None:
            self._pipeline.remove(self._take)
            self._take = None


class _Take:
    """A recording whose time begins with its first frame, and that tells when it has ended."""

    every = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.ended = False
        self._recording = Recording(path)
        self._begin: float | None = None

    def write(self, result: VideoResult) -> None:
        if self._begin is None:
            self._begin = result.timestamp
        self._recording.write(replace(result, timestamp=result.timestamp - self._begin))

    def close(self) -> None:
        try:
            self._recording.close()
        finally:
            self.ended = True
