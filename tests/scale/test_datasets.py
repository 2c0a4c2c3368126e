"""A dataset of Ray's is segmented as `Segmenter` does."""

from __future__ import annotations

import cv2
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from aernet import Segmenter

# Ray sets its own defaults by names that it has given up.
pytestmark = pytest.mark.filterwarnings(r"ignore:`\w+` is deprecated:DeprecationWarning")


@pytest.fixture
def connected(nodes):
    ray = pytest.importorskip("ray")
    ray.init(nodes.address, log_to_driver=False)
    yield nodes
    ray.shutdown()


def expected(pictures, model):
    segmenter = Segmenter(model, "cpu")
    return {str(path): segmenter(path).mask for path in sorted(pictures.glob("[0-9]*.png"))}


def masks(rows):
    decoded = {
        row["path"]: cv2.imdecode(np.frombuffer(row["mask"], np.uint8), cv2.IMREAD_UNCHANGED) for row in rows
    }
    assert len(decoded) == len(rows)
    return decoded


def assert_equal(found, wanted):
    assert found.keys() == wanted.keys()
    for name, mask in wanted.items():
        np.testing.assert_array_equal(found[name], mask)


@pytest.mark.usefixtures("connected")
def test_contents_paths_and_addresses_give_the_masks_of_a_segmenter(pictures, model, tmp_path):
    import ray.data

    from aernet.scale import segment

    wanted = expected(pictures, model)
    rows = segment(ray.data.read_binary_files(str(pictures), include_paths=True), model=model).take_all()
    (failed,) = [row for row in rows if row["mask"] is None]
    assert failed["path"].endswith("none.png")
    assert failed["error"].startswith("picture: ")
    assert_equal(masks([row for row in rows if row is not failed]), wanted)
    assert "bytes" not in rows[0]

    addresses = [f"file://{name}" for name in wanted]
    parquet.write_table(
        pa.table({"path": list(wanted), "address": addresses, "mask": ["expert"] * 60}),
        tmp_path / "list.parquet",
    )
    listed = ray.data.read_parquet(str(tmp_path / "list.parquet"))
    for column in ("path", "address"):
        rows = segment(listed, column, model=model).take_all()
        assert_equal(masks(rows), wanted)
        assert {row["error"] for row in rows} == {None}
        assert {(row["width"], row["height"], row["model"]) for row in rows} == {(80, 60, "dark")}
        assert sorted(row["address"] for row in rows) == addresses


def test_the_rows_of_a_lost_machine_are_made_elsewhere(connected, pictures, model):
    import ray.data

    from aernet.scale import segment

    wanted = expected(pictures, model)
    files = [name for name in wanted for _ in range(10)]
    listed = ray.data.from_items([{"path": name, "number": number} for number, name in enumerate(files)])
    rows = []
    for row in segment(listed, "path", model=model).iter_rows():
        rows.append(row)
        if len(rows) == 20:
            connected.kill(connected.second)
    assert sorted(row["number"] for row in rows) == list(range(len(files)))
    assert_equal(masks(list({row["path"]: row for row in rows}.values())), wanted)
