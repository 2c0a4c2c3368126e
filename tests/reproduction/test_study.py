"""`aernet-trt reproduce` on the small dataset, with small networks in the place of the paper's."""

from __future__ import annotations

import csv
import re
import shutil
from html.parser import HTMLParser
from unittest.mock import Mock
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from typer.testing import CliRunner

from aernet.cli.app import app
from aernet.errors import AernetError
from aernet.network import networks
from aernet.reproduction import reproduce as reproducing
from aernet.reproduction import runs, tables
from aernet.training import epochs as training

SVG = "{http://www.w3.org/2000/svg}"
ENCODER = "test_efficientnet"
TABLE_1, TABLE_2, _ = tables.TABLES
NUMBERS = re.compile(r"([+-]?\d+\.\d) \(([+-]?\d+\.\d) to ([+-]?\d+\.\d)\)")


@pytest.fixture(scope="module")
def weights(encoder_weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    shutil.copy(encoder_weights, folder / f"{ENCODER}.pth")
    return folder


@pytest.fixture(scope="module")
def small():
    """Put small networks in the place of the paper's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "UNET_WIDTHS", (4, 8, 8, 16, 16))
        changes = {"encoder": ENCODER, "widths": [16, 8, 8, 8, 8]}
        patch.setattr(
            runs,
            "load_settings",
            lambda preset, load=runs.load_settings, **wanted: load(preset, **(changes | wanted)),
        )
        yield


@pytest.fixture(scope="module")
def reproduce(dataset, weights, small):  # noqa: ARG001 - the networks are small from here on
    """Run the command in this process."""

    def run(output, *arguments):
        common = ("--data", dataset, "--output", output, "--encoder-weights", weights, "--size", 64)
        return CliRunner().invoke(app, list(map(str, ("reproduce", *arguments, *common))))

    return run


@pytest.fixture(scope="module")
def reproduced(reproduce, tmp_path_factory):
    """Return the folder of table 2, each network trained for two epochs with both recipes."""
    output = tmp_path_factory.mktemp("table2")
    result = reproduce(output, "table2", "--epochs", 2)
    assert result.exit_code == 0, result.output
    return output


def grids(output):
    """Return the tables of report.md: the summary, then one a recipe; cells by column and the row's title."""
    found = []
    for block in (output / "report.md").read_text(encoding="utf-8").split("\n\n"):
        if block.startswith("|"):
            head, _, *lines = [
                [cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()
            ]
            found.append({line[0]: dict(zip(head, line, strict=True)) for line in lines})
    return found


def jaccards(output, run, file="test.csv"):
    with (output / "runs" / run / file).open() as opened:
        return np.array([float(row["jaccard"]) for row in csv.DictReader(opened)])


def figures(cell):
    return [float(number) for number in NUMBERS.match(cell).groups()]


def test_each_row_is_there_with_the_paper_s_figure_and_ours(reproduced):
    summary, paper, good = grids(reproduced)
    assert [row["paper: Jaccard"] for row in summary.values()] == ["68", "55.5", "70", "70.6", "77.2"]
    assert list(paper) == list(good) == list(summary) == [row.title for row in TABLE_2.rows]
    for title, run, file in (
        ("U-Net", "unet", "test.csv"),
        ("U-Net, Otsu's threshold", "unet", "test-otsu.csv"),
        ("Attention residual U-Net", "attention-residual-unet", "test.csv"),
        ("AER-Net", "aernet-b1", "test.csv"),
    ):
        for recipe, details in (("paper", paper), ("good", good)):
            ours = jaccards(reproduced, f"{run}/{recipe}-64px-2epochs-seed0", file)
            mean, low, high = figures(details[title]["Jaccard"])
            assert mean == pytest.approx(100 * ours.mean(), abs=0.051)
            # With two pictures the interval reaches from one to the other.
            assert [low, high] == pytest.approx([100 * ours.min(), 100 * ours.max()], abs=0.051)


def test_differences_are_those_of_the_same_pictures(reproduced):
    summary, paper, _ = grids(reproduced)
    unet, attention, whole, good = (
        jaccards(reproduced, f"{run}-64px-2epochs-seed0")
        for run in ("unet/paper", "attention-unet/paper", "aernet-b1/paper", "aernet-b1/good")
    )
    for cell, difference in (
        (paper["Attention U-Net"]["less the row above"], attention - unet),
        (paper["Attention U-Net"]["less AER-Net"], attention - whole),
        (summary["AER-Net"]["good recipe less the paper's"], good - whole),
    ):
        mean, low, high = figures(cell)
        assert mean == pytest.approx(100 * difference.mean(), abs=0.051)
        assert [low, high] == pytest.approx([100 * difference.min(), 100 * difference.max()], abs=0.051)
        clear = difference.min() > 0 or difference.max() < 0
        assert cell.endswith("clear" if clear else "within chance")


def test_the_report_says_what_was_run(reproduced):
    text = (reproduced / "report.md").read_text(encoding="utf-8")
    _, _, first, *_ = text.splitlines()
    assert first.startswith(
        "These runs are not at the paper's scale, which needs a GPU: there aernet-trt reproduce "
    )
    assert (
        "The paper trains for 100 epochs at 256 x 256 pixels, here it is 2 epochs at 64 x 64 pixels, 1 seed"
        in text
    )
    _, paper, _ = grids(reproduced)
    said = paper["AER-Net"]["what was run"]
    assert said.startswith(f"2 epochs, 64 px, 1 seed, encoder from {ENCODER}.pth, ")
    assert "from random weights" in paper["U-Net"]["what was run"]
    with (reproduced / "runs/aernet-b1/paper-64px-2epochs-seed0/log.csv").open() as log:
        minutes = sum(float(row["seconds"]) for row in csv.DictReader(log)) / 60
    assert float(re.search(r"([\d.]+) min on ", said)[1]) == pytest.approx(minutes, abs=0.051)


class Page(HTMLParser):
    """The cells and pictures of a page."""

    def __init__(self):
        super().__init__()
        self.cells, self.pictures, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag == "img":
            self.pictures.append(dict(attributes)["src"])
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_endtag(self, tag):
        while self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open and self.open[-1] in {"td", "th"}:
            self.cells[-1] += data


def test_the_page_and_its_figure_say_the_same(reproduced):
    page = Page()
    page.feed((reproduced / "report.html").read_text(encoding="utf-8"))
    cells = [
        cell
        for grid in grids(reproduced)
        for line in (next(iter(grid.values())), *(row.values() for row in grid.values()))
        for cell in line
    ]
    assert page.cells == cells
    assert page.pictures == ["table2.svg"]
    svg = ET.parse(reproduced / "table2.svg").getroot()
    names = {text.text for text in svg.iter(f"{SVG}text")}
    assert names >= {row.title for row in TABLE_2.rows}
    groups = [group for group in svg.iter(f"{SVG}g") if group.get("id", "").startswith("recipe-")]
    assert [len(list(group.iter(f"{SVG}use"))) for group in groups] == 2 * [len(TABLE_2.rows)]


def test_what_is_finished_is_kept(reproduce, reproduced, monkeypatch):
    def never(*_arguments, **_options):
        raise AernetError("trained again")

    monkeypatch.setattr(reproducing, "train", never)
    before = (reproduced / "report.md").read_text(encoding="utf-8")
    result = reproduce(reproduced, "table2", "--epochs", 2)
    assert result.exit_code == 0, result.output
    assert (reproduced / "report.md").read_text(encoding="utf-8") == before
    # CIELAB is AER-Net by another name: its run serves both tables.
    result = reproduce(reproduced, "colour", "--epochs", 2, "--row", "CIELAB")
    assert result.exit_code == 0, result.output
    _, paper, _ = grids(reproduced)
    assert paper["CIELAB"]["what was run"].startswith("2 epochs")
    assert paper["HSV"]["what was run"] == "not run"


def test_what_was_interrupted_goes_on(reproduce, tmp_path, monkeypatch):
    validate, epochs = training.validate, []

    def stop_in_the_second_epoch_of_the_second_row(*arguments):
        epochs.append(arguments)
        if len(epochs) == 4 + 2:
            raise KeyboardInterrupt
        return validate(*arguments)

    options = ("colour", "--epochs", 4, "--row", "RGB", "--row", "Gray", "--recipe", "good")
    monkeypatch.setattr(training, "validate", stop_in_the_second_epoch_of_the_second_row)
    assert reproduce(tmp_path, *options).exit_code == 130
    summary, details = grids(tmp_path)
    assert details["RGB"]["what was run"].startswith("4 epochs")
    assert details["Gray"]["what was run"] == "not run"
    assert summary["RGB"]["Jaccard, the paper's recipe"] == "not run"

    monkeypatch.setattr(training, "validate", validate)
    resumed = []
    train = reproducing.train

    def remember(settings, *arguments, **options):
        resumed.append((settings.colour, options["resume"]))
        train(settings, *arguments, **options)

    monkeypatch.setattr(reproducing, "train", remember)
    result = reproduce(tmp_path, *options)
    assert result.exit_code == 0, result.output
    assert resumed == [("gray", True)]
    _, details = grids(tmp_path)
    assert details["Gray"]["what was run"].startswith("4 epochs")
    with (tmp_path / "runs/aernet-b1+gray/good-64px-4epochs-seed0/log.csv").open() as log:
        assert [row["epoch"] for row in csv.DictReader(log)] == ["1", "2", "3", "4"]


def test_a_picture_s_score_is_its_mean_over_the_seeds(reproduce, tmp_path):
    options = ("colour", "--epochs", 1, "--row", "HSV+RGB", "--recipe", "paper", "--seeds", 2)
    result = reproduce(tmp_path, *options)
    assert result.exit_code == 0, result.output
    seeds = [100 * jaccards(tmp_path, f"aernet-b1+hsv+rgb/paper-64px-1epochs-seed{seed}") for seed in (0, 1)]
    _, details = grids(tmp_path)
    each = np.mean(seeds, axis=0)
    expected = pytest.approx([each.mean(), each.min(), each.max()], abs=0.051)
    assert figures(details["HSV+RGB"]["Jaccard"]) == expected
    means = ", ".join(f"{seed.mean():.1f}" for seed in seeds)
    assert f"2 seeds (Jaccard {means})" in details["HSV+RGB"]["what was run"]


def test_a_run_that_fails_is_named_and_the_others_are_done(reproduce, tmp_path, monkeypatch):
    train = reproducing.train

    def fail(settings, *arguments, **options):
        if settings.colour == "rgb":
            raise AernetError("encoder: its weights cannot be had")
        if settings.colour == "hsv":
            raise RuntimeError("CUDA out of memory.\nTried to allocate 2 GiB")
        train(settings, *arguments, **options)

    monkeypatch.setattr(reproducing, "train", fail)
    rows = ("--row", "RGB", "--row", "HSV", "--row", "Gray")
    options = ("colour", "--epochs", 1, *rows, "--recipe", "paper")
    result = reproduce(tmp_path, *options)
    assert result.exit_code == 1
    reason = "RGB, the paper's recipe, seed 0: encoder: its weights cannot be had"
    assert f"2 of 3 runs failed, the first: {reason}" in result.output
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert reason in report
    assert "HSV, the paper's recipe, seed 0: RuntimeError: CUDA out of memory. Tried to allocate" in report
    _, details = grids(tmp_path)
    assert details["RGB"]["what was run"] == "not run"
    assert details["Gray"]["what was run"].startswith("1 epoch,")


def test_what_is_wrong_is_one_line(dataset, tmp_path):
    for arguments, message in (
        (
            ("colour", "--data", dataset, "--row", "XYZ"),
            "no row 'XYZ'; the rows are CIELAB, RGB, HSV, HSV+RGB, Gray",
        ),
        (("table2", "--data", tmp_path), "holds no table of subsets, isic2018_split.csv or split.csv"),
    ):
        result = CliRunner().invoke(app, list(map(str, ("reproduce", "-o", tmp_path / "out", *arguments))))
        assert result.exit_code == 1
        assert message in " ".join(result.output.split())
        assert not (tmp_path / "out").exists()


def test_a_weights_file_is_for_the_preset_s_own_encoder(tmp_path):
    (tmp_path / "b1.pth").touch()
    (tmp_path / "vgg16.pth").touch()
    rows = {row.title: row for row in (*TABLE_1.rows, *TABLE_2.rows)}

    def weights(title, given):
        (run,) = runs.Study(tmp_path, encoder_weights=given).runs(rows[title], tables.RECIPES[0])
        return run.weights

    assert weights("AER-Net", tmp_path / "b1.pth") == tmp_path / "b1.pth"
    assert weights("VGG16", tmp_path / "b1.pth") is None
    assert weights("VGG16", tmp_path) == tmp_path / "vgg16.pth"
    assert weights("ResNet50", tmp_path) is None
    assert weights("U-Net", tmp_path / "b1.pth") is None
    assert weights("EfficientNet-B1, random start", tmp_path / "b1.pth") is None


def test_where_nothing_is_fetched_an_encoder_without_a_file_starts_from_random_weights(
    reproduce, tmp_path, monkeypatch
):
    monkeypatch.setattr("timm.models._builder.load_pretrained", forbidden := Mock())
    options = ("table1", "--epochs", 1, "--recipe", "paper", "--no-fetch", "--row", "MobileNetV2")
    result = reproduce(tmp_path, *options)
    assert result.exit_code == 0, result.output
    assert not forbidden.called
    _, details = grids(tmp_path)
    assert "from random weights" in details["MobileNetV2"]["what was run"]
