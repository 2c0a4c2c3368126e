"""The commands of docs/own-pictures.md, as they stand there."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from docs.pages import blocks

from aernet import Segmenter
from aernet.pictures import example_pictures

PAGE = Path(__file__).parents[2] / "docs" / "own-pictures.md"
COMMANDS = [
    shlex.split(line) for block in blocks(PAGE) if not block.not_run for line in block.code.splitlines()
]


@pytest.fixture
def lesions(tmp_path):
    """Make a folder of 30 pictures: the examples, moved and noisy, with the bundled model's masks."""
    folder = tmp_path / "lesions"
    folder.mkdir()
    generator = np.random.default_rng(0)
    names = ["a", *(f"b{number}" for number in range(29))]
    with Segmenter() as segmenter:
        found = []
        for path in example_pictures():
            picture = cv2.resize(cv2.imread(str(path)), (128, 96), interpolation=cv2.INTER_AREA)
            found.append((picture, segmenter(picture).mask))
    for number, name in enumerate(names):
        picture, mask = found[number % len(found)]
        corners = np.float32([[0, 0], [128, 0], [0, 96]])
        affine = cv2.getAffineTransform(corners, corners + generator.normal(0, 16, (3, 2)).astype(np.float32))
        moved, truth = (
            cv2.warpAffine(part, affine, (128, 96), borderMode=cv2.BORDER_REFLECT) for part in (picture, mask)
        )
        noisy = moved + generator.normal(0, 12, moved.shape)
        assert cv2.imwrite(str(folder / f"{name}.jpg"), noisy.clip(0, 255).astype(np.uint8))
        truth = np.where(truth > 127, np.uint8(255), np.uint8(0))
        assert cv2.imwrite(str(folder / f"{name}_segmentation.png"), truth)
    return folder


def test_the_page_s_commands_lead_to_a_model_of_one_s_own(lesions):
    """Each is a process of its own on the page; one process saves loading PyTorch for each."""
    folder = lesions.parent
    assert {program for program, *_ in COMMANDS} == {"aernet-trt"}
    program = (
        "import json, sys; from aernet.cli.app import app\n"
        "for arguments in json.load(sys.stdin):\n"
        "    app(arguments, standalone_mode=False)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps([arguments for _, *arguments in COMMANDS]),
        cwd=folder,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "30 usable pairs" in done.stdout
    with Segmenter(folder / "lesions.onnx") as segmenter, Segmenter("aernet") as start:
        card = segmenter.card
    trained = int(re.search(r"split\.csv: (\d+) train, 20 val, 6 test", done.stdout)[1])
    assert card.training_data == (
        f"{trained} pictures of lesions, subset train of split.csv; learned from a model trained on"
        f" {start.card.training_data}"
    )
    assert card.licence == f"CC BY 4.0; learned from a model whose licence is {start.card.licence}"
    assert card.quality is not None
    assert (folder / "out" / "a_mask.png").is_file()
    jaccard = float(re.search(r"jaccard\s*│\s*([\d.]+)", done.stdout)[1])
    assert jaccard > 0.7
