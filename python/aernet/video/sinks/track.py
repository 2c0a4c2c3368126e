"""A sink that writes the lesion's size and place over time as a table."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from aernet.errors import AernetError
from aernet.files import LineFile, make_folder
from aernet.measure.scale import as_scale
from aernet.video.extent import EXTENT_COLUMNS, extent_row

if TYPE_CHECKING:
    from pathlib import Path

    from aernet.video.result import VideoResult

_COLUMNS = ("frame", "seconds", "state", *EXTENT_COLUMNS, "latency_ms", "dropped")


class Track:
    """Writes each result as a line of CSV, or of JSON if the file is called `.jsonl`; see `extent_row`.

    Args:
        path: the file.
        mm_per_pixel: the distance of neighbouring pixels in millimetres, if it is known.

    Raises:
        FrameError: `mm_per_pixel` is not a finite number above 0.
        AernetError: the file has another suffix, or cannot be written.
    """

    every = True

    def __init__(self, path: Path, mm_per_pixel: float | None = None) -> None:
        if mm_per_pixel is not None:
            as_scale(mm_per_pixel)
        self._mm_per_pixel = mm_per_pixel
        if path.suffix.lower() not in {".csv", ".jsonl"}:
            raise AernetError(f"{path}: expected a track to be called .csv or .jsonl")
        self.name = str(path)
        self._lines = path.suffix.lower() == ".jsonl"
        try:
            make_folder(path.parent)
            self._file = LineFile(path)
            self._table = csv.DictWriter(self._file, _COLUMNS)
            if not self._lines:
                try:
                    self._table.writeheader()
                except OSError:
                    self._file.close()
                    raise
        except OSError as error:
            raise AernetError(f"{path}: cannot be written ({error.strerror})") from error

    def write(self, result: VideoResult) -> None:
        """Add a line.

        Raises:
            AernetError: the line cannot be written.
        """
        row = {
            "frame": result.frame_index,
            "seconds": round(result.timestamp, 6),
            "state": result.state.value,
            **extent_row(result.segmentation.mask, self._mm_per_pixel),
            "latency_ms": round(result.latency_ms, 3),
            "dropped": result.dropped,
        }
        try:
            if self._lines:
                self._file.write(json.dumps(row) + "\n")
            else:
                self._table.writerow(row)
        except OSError as error:
            raise AernetError(f"{self.name}: cannot be written ({error.strerror}); the track ends") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()
