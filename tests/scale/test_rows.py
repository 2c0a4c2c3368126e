"""What a worker of a Ray Dataset makes of rows without a picture, and which devices it takes; no cluster."""

from __future__ import annotations

import pyarrow as pa
import pytest

from aernet import AernetError

pytest.importorskip("ray")

from aernet.scale import datasets
from aernet.scale.portable import portable_model
from aernet.scale.resources import share_of_each


def absent(*_):
    raise ImportError("Install s3fs to access S3")


def exhausted(*_):
    raise MemoryError


@pytest.mark.parametrize(
    ("opened", "told"),
    [
        (absent, "s3://a.png: cannot be read (ImportError: Install s3fs to access S3)"),
        (exhausted, "s3://a.png: the memory does not suffice for it"),
    ],
)
def test_each_row_without_a_mask_says_why(model, monkeypatch, opened, told):
    monkeypatch.setattr(datasets.fsspec, "open", opened)
    worker = datasets._Pictures(portable_model(str(model), "cpu", None, None, "all"), "path")
    made = worker(pa.table({"path": ["s3://a.png", None]})).to_pylist()
    assert [row["error"] for row in made] == [told, "the column path is empty here"]
    assert [row["mask"] for row in made] == [None, None]


@pytest.mark.parametrize("device", ["cuda:1", "openvino", "coreml", "tpu"])
def test_a_device_that_workers_cannot_share_is_refused(device):
    with pytest.raises(AernetError, match=rf"^device '{device}': the workers of a cluster take 'auto'"):
        share_of_each(device)
