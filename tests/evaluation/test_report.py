from __future__ import annotations

from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from aernet.errors import AernetError
from aernet.evaluation.evaluate import Comparison, Evaluation, compare, evaluate
from aernet.evaluation.figures import histogram
from aernet.evaluation.metrics import score
from aernet.evaluation.report import write_report

VOID = {"meta", "img"}


class Page(HTMLParser):
    """A page's pictures, text and headings; every tag must be closed in order."""

    def __init__(self, path):
        super().__init__()
        self.open, self.images, self.figures, self.text, self.tags = [], [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "img" and dict(attributes)["src"] == "jaccard.svg":
            self.figures.append(dict(attributes))
        elif tag == "img":
            self.images.append(dict(attributes))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def comparison(image_id, pixels):
    """A picture of 100 pixels, all lesion, of which `pixels` were found: the Jaccard index in %."""
    ground_truth = np.full((10, 10), 255, np.uint8)
    mask = np.zeros((10, 10), np.uint8)
    mask.flat[:pixels] = 255
    return Comparison(
        image_id, np.zeros((10, 10, 3), np.uint8), ground_truth, mask, score(mask, ground_truth)
    )


def report(folder, jaccards, model="model"):
    comparisons = {image_id: comparison(image_id, pixels) for image_id, pixels in jaccards.items()}
    pictures = {image_id: entry.scores for image_id, entry in comparisons.items()}
    write_report(folder, Evaluation("protocol", model, 0.5, pictures), comparisons.__getitem__)
    return Page(folder / "index.html")


def test_the_report_of_real_pictures_shows_each_with_both_masks(tmp_path, segmenter, pairs):
    evaluation = evaluate(segmenter, pairs, "examples")
    pair_of = {pair.image_id: pair for pair in pairs}
    write_report(
        tmp_path / "new" / "report",
        evaluation,
        lambda image_id: compare(segmenter, pair_of[image_id], largest_only=False),
    )
    page = Page(tmp_path / "new" / "report" / "index.html")
    assert len(page.images) == 4 * 3
    (figure,) = page.figures
    assert figure["alt"] == f"Histogram of the Jaccard index of {len(pairs)} pictures"
    assert (tmp_path / "new" / "report" / "jaccard.svg").is_file()
    files = {image["src"] for image in page.images}
    assert files == {
        path.relative_to(tmp_path / "new" / "report").as_posix()
        for path in (tmp_path / "new" / "report" / "pictures").iterdir()
    }
    for image in page.images:
        picture = cv2.imread(str(tmp_path / "new" / "report" / image["src"]))
        assert picture.shape[:2] == (int(image["height"]), int(image["width"]))
        assert picture.shape[1] == 480
        assert image["alt"]
    for name, mean in evaluation.means.items():
        assert name.replace("_", " ").capitalize() in page.text
        assert f"{mean.mean:.4f}" in page.text
        assert f"{mean.ci95[0]:.4f} to {mean.ci95[1]:.4f}" in page.text


def test_the_outlines_follow_the_masks(tmp_path):
    disc = cv2.circle(np.zeros((200, 200), np.uint8), (100, 100), 60, 255, -1)
    square = cv2.rectangle(np.zeros((200, 200), np.uint8), (10, 10), (190, 190), 255, -1)
    gray = np.full((200, 200, 3), 128, np.uint8)
    entry = Comparison("a", gray, disc, square, score(square, disc))
    write_report(tmp_path, Evaluation("protocol", "model", 0.5, {"a": entry.scores}), lambda _: entry)
    outlines = cv2.imread(str(tmp_path / "pictures" / "best-1-outlines.png"))
    assert outlines[100, 40].tolist() == [255, 255, 255]
    blue, green, red = outlines[100, 10].tolist()
    assert blue > 200
    assert max(green, red) < 100
    assert outlines[100, 100].tolist() == [128, 128, 128]


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (1, {"Best": [0]}),
        (2, {"Best": [0], "Worst": [1]}),
        (3, {"Best": [0], "Median": [1], "Worst": [2]}),
        (4, {"Best": [0], "Median": [2], "Worst": [3]}),
        (5, {"Best": [0], "Median": [2], "Worst": [4]}),
        (9, {"Best": [0, 1, 2], "Median": [3, 4, 5], "Worst": [6, 7, 8]}),
        (21, {"Best": [0, 1, 2], "Median": [9, 10, 11], "Worst": [18, 19, 20]}),
    ],
)
def test_best_median_and_worst_are_shown_once(tmp_path, count, shown):
    page = report(tmp_path, {f"image{number}.": 100 - 2 * number for number in range(count)})
    text = "".join(page.text)
    captions = [f"image{number}.:" for group in shown.values() for number in group]
    assert [word for word in text.split() if word.startswith("image")] == captions
    assert [line for line in text.split() if line in {"Best", "Median", "Worst"}] == list(shown)


def test_names_cannot_become_markup(tmp_path):
    name = "<script>alert('&')</script>\""
    page = report(tmp_path, {name: 70}, model=name)
    assert "script" not in {tag for tag, _ in page.tags}
    assert any(name in text for text in page.text)
    assert all(name in image["alt"] for image in page.images)


def test_the_page_needs_nothing_from_elsewhere(tmp_path):
    page = report(tmp_path, {"a": 70})
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe"})
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "//" not in text
    assert "url(" not in text
    assert "color-scheme: light dark" in text


def test_a_second_report_replaces_the_first(tmp_path):
    report(tmp_path, {"first": 70})
    page = report(tmp_path, {"second": 80})
    assert "first" not in "".join(page.text)
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def test_an_unwritable_folder_is_named(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(AernetError, match=r"taken.* cannot be written"):
        report(tmp_path / "taken", {"a": 70})


def test_the_bars_count_the_pictures(tmp_path):
    values = [0.0, 0.01, 0.64, 0.65, 0.66, 0.94, 0.96, 1.0]
    (axes,) = histogram(values).axes
    bars = {
        f"{abs(bar.get_center()[0] - 0.025):.2f} to {bar.get_center()[0] + 0.025:.2f}": bar.get_height()
        for bar in axes.patches
        if bar.get_height()
    }
    assert bars == {
        "0.00 to 0.05": 2,
        "0.60 to 0.65": 1,
        "0.65 to 0.70": 2,
        "0.90 to 0.95": 1,
        "0.95 to 1.00": 2,
    }
    page = report(tmp_path, {f"image{value}": round(100 * value) for value in values})
    assert "3 of 8 lie below 0.65" in "".join(page.text)
