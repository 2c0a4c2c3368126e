"""`segment --ray` does what `segment` does."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from aernet.archive import Archive, Settings
from aernet.archive.journal import JOURNAL
from aernet.cli.app import app

KINDS = ("overlay", "coco", "labelme", "probability-png")
WRITING = ("--overlay", "--format", "coco", "--format", "labelme", "--format", "probability-png")


def content(folder):
    """Return the content of all files by their names, but that of the journal."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(JOURNAL)]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def run(pictures, output, model, *options):
    words = ["segment", pictures, "-o", output, "--model", model, "--json", *WRITING, *options]
    answer = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
    rows = [json.loads(line) for line in answer.stdout.splitlines()]
    return answer, [{name: row[name] for name in ("input", "status")} for row in rows]


def test_the_outputs_are_those_of_a_run_without(nodes, pictures, model, tmp_path):
    alone, rows = run(pictures, tmp_path / "alone", model, "--table", tmp_path / "alone.csv")
    together, rows_together = run(
        pictures, tmp_path / "outer", model, "--table", tmp_path / "outer.csv", "--ray", nodes.address
    )
    assert (alone.exit_code, together.exit_code) == (1, 1)  # one file is no picture
    assert rows_together == rows
    assert content(tmp_path / "outer") == content(tmp_path / "alone")
    table = (tmp_path / "outer.csv").read_text(encoding="utf-8")
    assert table.replace("/outer/", "/alone/") == (tmp_path / "alone.csv").read_text(encoding="utf-8")

    _, again = run(pictures, tmp_path / "alone", model, "--ray", nodes.address)
    assert {row["status"] for row in again} == {"skipped", "failed"}


def test_the_pictures_of_a_lost_machine_are_done_elsewhere(nodes, pictures, model, tmp_path):
    from aernet.scale import Cluster

    run(pictures, tmp_path / "alone", model)
    settings = Settings(kinds=KINDS, model=str(model), described=True)
    with Cluster(nodes.address, settings) as machines:
        # All workers are there, so that the machine that is lost has some.
        deadline = time.monotonic() + 180
        while machines._idle.qsize() < 4 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert machines._idle.qsize() == 4
        statuses = []
        for row in Archive([str(pictures)], tmp_path / "outer").segment(settings, machines=machines):
            statuses.append(row["status"])
            if len(statuses) == 3:
                nodes.kill(nodes.second)
    assert sorted(statuses) == ["done"] * 60 + ["failed"]
    assert content(tmp_path / "outer") == content(tmp_path / "alone")


def test_a_run_that_ends_before_its_workers_starts_no_other_cluster(nodes, model):
    ray = pytest.importorskip("ray")
    from aernet.scale import Cluster

    for _ in range(3):
        with Cluster(nodes.address, Settings(model=str(model))):
            pass
        # What the workers that were still loading the model tell comes after the end.
        time.sleep(2)
        assert not ray.is_initialized()


def test_a_cluster_whose_cores_are_taken_ends_the_run(nodes, model, monkeypatch):
    ray = pytest.importorskip("ray")
    from aernet.errors import AernetError
    from aernet.scale import Cluster, cluster

    monkeypatch.setattr(cluster, "_PATIENCE", 3.0)
    # Other work, which goes on without the program that has begun it.
    program = (
        f"import ray; ray.init({nodes.address!r}, namespace='other', log_to_driver=False)\n"
        "@ray.remote(num_cpus=1)\n"
        "class Other:\n"
        "    def ready(self): return True\n"
        "others = [Other.options(name=str(one), lifetime='detached').remote() for one in range(4)]\n"
        "raise SystemExit(not all(ray.get([other.ready.remote() for other in others])))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=120)
    with pytest.raises(AernetError, match="has had a free processor core for 3 seconds"):
        Cluster(nodes.address, Settings(model=str(model)))
    assert not ray.is_initialized()


def test_a_cluster_that_asks_for_a_token_gets_the_remedy(guarded_nodes, command, pictures, model, tmp_path):
    answer = command(
        "segment", pictures, "-o", tmp_path / "out", "--model", model, "--ray", guarded_nodes.address
    )
    assert answer.returncode == 1
    line = answer.stderr.splitlines()[-1]  # Ray tells of each attempt before
    assert line.startswith(f"aernet-trt: {guarded_nodes.address}: the Ray cluster cannot be used (")
    assert "set RAY_AUTH_MODE=token" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("127.0.0.1:1", "127.0.0.1:1: no Ray cluster answers there"),
        ("somewhere", "somewhere: is no address of a Ray cluster"),
    ],
)
def test_an_address_where_no_cluster_is_gets_one_line(command, pictures, model, tmp_path, address, told):
    pytest.importorskip("ray")
    answer = command("segment", pictures, "-o", tmp_path / "out", "--model", model, "--ray", address)
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"aernet-trt: {told}")
    assert len(answer.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_without_ray_the_extra_is_named(pictures, model, tmp_path, monkeypatch, capsys):
    from aernet.cli import main

    monkeypatch.setitem(sys.modules, "ray", None)
    for name in [name for name in sys.modules if name.startswith("aernet.scale")]:
        monkeypatch.delitem(sys.modules, name)
    words = ["segment", pictures, "-o", tmp_path / "out", "--model", model, "--ray", "auto"]
    monkeypatch.setattr(sys, "argv", ["aernet-trt", *map(str, words)])
    with pytest.raises(SystemExit):
        main()
    assert "pip install 'aernet[ray]'" in capsys.readouterr().err
