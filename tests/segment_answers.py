"""What `segment` answers and writes, as the tests read it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from aernet.archive.journal import JOURNAL


def records(answer):
    return [json.loads(line) for line in answer.stdout.splitlines()]


def statuses(answer):
    return {Path(record["input"]).name: record["status"] for record in records(answer)}


def files(folder):
    """All files but the journal."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != JOURNAL)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def counts(answer):
    return [cell.strip() for cell in answer.stderr.splitlines()[-2].split("│")[1:7]]


def film(path):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(3):
        writer.write(cv2.circle(np.full((48, 64, 3), 220, np.uint8), (30, 20), 9, (20, 30, 60), cv2.FILLED))
    writer.release()
