"""Recordings that the page starts and stops."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from aernet.files import take_unused
from aernet.video.sinks import Recording

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.video import Pipeline, VideoResult


class Recorder:
    """Records a pipeline into a folder, one file at a time. Several threads may use a recorder.

    Args:
        pipeline: the source of the results.
        folder: the folder, made with the first recording.
    """

    def __init__(self, pipeline: Pipeline, folder: Path) -> None:
        self._pipeline = pipeline
        self._folder = folder
        self._lock = threading.RLock()
        self._current: _TimedRecording | None = None
        self._paths: dict[str, Path] = {}

    @property
    def running(self) -> str | None:
        """The name of the file that is being written, or None."""
        current = self._current
        return current.path.name if current is not None and not current.ended else None

    @property
    def finished(self) -> list[str]:
        """The names of the complete files, in order."""
        running = self.running
        return [name for name, path in self._paths.copy().items() if name != running and path.is_file()]

    def path(self, name: str) -> Path | None:
        """Return the path of a `finished` recording, or None if the name is unknown."""
        return self._paths[name] if name in self.finished else None

    def start(self) -> None:
        """Start a recording, if none is running.

        Raises:
            AernetError: the file cannot be written, or PyAV is not installed.
        """
        with self._lock:
            if self.running is None:
                self.stop()
                stem = f"aernet-{time.strftime('%Y%m%d-%H%M%S')}"
                numbers = count(len(self._paths) + 1)
                # A clock may go back, and another viewer may record into the same folder.
                path = take_unused(self._folder, (f"{stem}-{number}.mp4" for number in numbers))
                try:
                    current = _TimedRecording(path)
                except BaseException:
                    path.unlink(missing_ok=True)
                    raise
                self._paths[path.name] = path
                self._current = current
                self._pipeline.add(current)

    def stop(self) -> None:
        """Finish the recording, if one is running."""
        with self._lock:
            if self._current is not None:
                self._pipeline.remove(self._current)
                self._current = None


class _TimedRecording:
    """A recording whose time starts at 0 with its first frame, and that knows whether it has ended."""

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
