"""What the long checks share: a small model, pictures, their table and their file of outcomes."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper
from rich.console import Console
from rich.table import Table

import aernet
from aernet.cli.doctor import processor

ROOT = Path(__file__).parents[2]
OUTCOMES = ROOT / "docs" / "trust" / "soak"
SIZE = 64
METADATA = {
    "aernet.name": "dark",
    "aernet.version": "1",
    "aernet.size": str(SIZE),
    "aernet.threshold": "0.5",
    "aernet.training_data": "none",
    "aernet.licence": "Apache-2.0",
    "aernet.metrics": '{"jaccard": 0.5, "protocol": "made up"}',
    "aernet.revision": "none",
}


def write_small_model(path):
    """Write a model of two layers, to which what is darker than L = 60 is lesion, 64 x 64."""
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [1, 3, 1, 1], [-20.0, 0.0, 0.0])
    bias = helper.make_tensor("bias", TensorProto.FLOAT, [1], [12.0])
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weights", "bias"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["probability"]),
        ],
        "dark",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["batch", 1, SIZE, SIZE])],
        [weights, bias],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, METADATA)
    onnx.save(model, path)
    return path


def lesion(number, height=72, width=96):
    """Draw a dark ellipse on bright skin; return the BGR picture and its mask."""
    generator = np.random.default_rng(number)
    mask = np.zeros((height, width), np.uint8)
    axes, centre = generator.integers(10, 26, 2), generator.integers((30, 26), (66, 46))
    cv2.ellipse(mask, tuple(map(int, centre)), tuple(map(int, axes)), 30.0 * number, 0, 360, 255, -1)
    picture = np.where(mask[..., None] > 0, (60, 70, 110), (150, 170, 220))
    noisy = picture + generator.normal(0, 6, (height, width, 3))
    return noisy.clip(0, 255).astype(np.uint8), mask


def write_pictures(folder, count):
    """Write pictures into a folder, as PNG."""
    folder.mkdir(parents=True)
    for number in range(count):
        cv2.imwrite(str(folder / f"{number:04}.png"), lesion(number)[0])
    return folder


def write_pairs(folder, subsets):
    """Write pictures with masks in the official names, each in the subset that is given for it."""
    rows = ["image_id,subset"]
    for number, subset in enumerate(subsets):
        picture, mask = lesion(number)
        for name, image in (
            (f"ISIC2018_Task1-2_Training_Input/ISIC_{number:07}.png", picture),
            (f"ISIC2018_Task1_Training_GroundTruth/ISIC_{number:07}_segmentation.png", mask),
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / name), image)
        rows.append(f"ISIC_{number:07},{subset}")
    (folder / "isic2018_split.csv").write_text("\n".join(rows) + "\n")
    return folder


def run():
    """Return what a figure depends on: the command and the machine."""
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "command": " ".join(["python", f"tests/soak/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "aernet": aernet.__version__,
        "revision": revision.stdout.strip(),
        "day": dt.datetime.now(tz=dt.timezone.utc).date().isoformat(),
    }


def recorded(name):
    """Return the rows that a file of outcomes has."""
    path = OUTCOMES / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []


def report(name, title, rows, key):
    """Print rows as a table and write them, each with its runs, as JSON.

    A row takes the place of the one that has the same in the columns of `key`; the file keeps its others.
    """
    table = Table(title=title)
    columns = list(
        dict.fromkeys(column for row in rows for column in row if column not in {"details", "runs"})
    )
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    Console(width=200).print(table)
    OUTCOMES.mkdir(parents=True, exist_ok=True)
    every = {tuple(row.get(column) for column in key): row for row in recorded(name)}
    every |= {tuple(row.get(column) for column in key): {"runs": [run()], **row} for row in rows}
    content = {"title": title, "rows": list(every.values())}
    (OUTCOMES / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
