from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from isic_challenge_scoring.segmentation import SegmentationScore
from PIL import Image
from typer.testing import CliRunner

from aernet import Segmenter
from aernet.cli.app import app
from aernet.evaluation.evaluate import Evaluation

ROOT = Path(__file__).parents[2]
EXAMPLES, MASKS = ROOT / "examples", ROOT / "python/aernet/video/masks"
METRICS = ["jaccard", "dice", "thresholded_jaccard", "sensitivity", "specificity", "accuracy"]


def evaluate(*arguments):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def assert_one_line_error(result, *parts, status=1):
    assert result.exit_code == status, result.output
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for part in parts:
        assert part in result.stderr


def official(model, folder, image_ids, threshold=None):
    """Write the segmenter's masks and the ground truth, and ask the official scorer."""
    for name in ("truth", "prediction"):
        (folder / name).mkdir()
    with Segmenter(model, threshold=threshold) as segmenter:
        for image_id in image_ids:
            mask = segmenter(cv2.imread(str(EXAMPLES / f"{image_id}.jpg"))).mask
            cv2.imwrite(str(folder / "prediction" / f"{image_id}.png"), mask)
            shutil.copy(MASKS / f"{image_id}_segmentation.png", folder / "truth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the scorer's own, of newer pandas
        scores = SegmentationScore.from_dir(folder / "truth", folder / "prediction").macro_average.to_dict()
    return scores | {"thresholded_jaccard": scores.pop("threshold_jaccard")}


def assert_means(path, expected):
    content = json.loads(path.read_text(encoding="utf-8"))
    means = {name: content[name]["mean"] for name in METRICS}
    assert means == pytest.approx(expected, abs=1e-6, rel=0)


def test_the_command_gives_the_official_means_and_writes_every_output(tmp_path, model, command):
    out = tmp_path / "new"
    arguments = ["--images", EXAMPLES, "--masks", MASKS, "--model", model, "--json", out / "scores.json"]
    arguments += ["--per-image", out / "scores.csv", "--report", out / "report"]
    result = command("evaluate", *arguments)
    assert result.returncode == 0, result.stderr
    image_ids = sorted(path.stem for path in EXAMPLES.glob("*.jpg"))
    expected = official(model, tmp_path, image_ids)
    assert_means(out / "scores.json", expected)
    content = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    assert list(content) == ["n", *METRICS, "best_level_jaccard", "protocol", "model", "threshold"]
    assert content["jaccard"]["mean"] <= content["best_level_jaccard"]["mean"] <= 1
    assert content["n"] == len(image_ids)
    assert content["model"] == "dark 1.2 (abc1234)"
    assert content["threshold"] == 0.4
    with (out / "scores.csv").open(encoding="utf-8", newline="") as file:
        assert [row["image_id"] for row in csv.DictReader(file)] == image_ids
    assert (out / "report" / "index.html").is_file()
    assert len(list((out / "report" / "pictures").glob("*.png"))) == 12
    assert {path.name for path in out.iterdir()} == {"scores.json", "scores.csv", "report"}
    for name in METRICS:
        low, high = content[name]["ci95"]
        row = next(line for line in result.stdout.splitlines() if f" {name.replace('_', ' ')} " in line)
        assert f"{expected[name]:.4f}" in row
        assert f"{low:.4f} to {high:.4f}" in row
    for part in ("dark 1.2 (abc1234)", "threshold 0.4", "per-image means over 5 pictures", "own size"):
        assert part in result.stdout


def test_a_subset_of_zip_files_is_evaluated_alone(tmp_path, model):
    path = tmp_path / "pairs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for picture in EXAMPLES.glob("*.jpg"):
            archive.write(picture, f"ISIC2018_Task1-2_Training_Input/{picture.name}")
        for mask in MASKS.glob("*.png"):
            archive.write(mask, f"ISIC2018_Task1_Training_GroundTruth/{mask.name}")
    split = tmp_path / "split.csv"
    split.write_text("image_id,subset\nISIC_0000495,test\nISIC_0011135,test\nISIC_0015218,train\n", "utf-8")
    arguments = ["--images", path, "--masks", path, "--split", split, "--subset", "test", "--model", model]
    result = evaluate(*arguments, "--threshold", 0.3, "--json", tmp_path / "scores.json")
    assert result.exit_code == 0, result.output
    assert_means(
        tmp_path / "scores.json", official(model, tmp_path, ["ISIC_0000495", "ISIC_0011135"], threshold=0.3)
    )
    content = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert (content["n"], content["threshold"]) == (2, 0.3)
    assert "subset test of split.csv" in content["protocol"]


def test_keep_largest_judges_the_largest_region_alone(tmp_path, model):
    picture = np.full((512, 512, 3), 255, np.uint8)
    truth = np.zeros((512, 512), np.uint8)
    picture[80:240, 80:240] = 0
    truth[80:240, 80:240] = 255
    picture[320:400, 320:400] = 0
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    cv2.imwrite(str(tmp_path / "a_segmentation.png"), truth)
    jaccard = {}
    for keep in ("all", "largest"):
        output = tmp_path / f"{keep}.json"
        result = evaluate(
            "--images", tmp_path, "--masks", tmp_path, "--model", model, "--keep", keep, "--json", output
        )
        assert result.exit_code == 0, result.output
        jaccard[keep] = json.loads(output.read_text(encoding="utf-8"))["jaccard"]["mean"]
    assert jaccard["largest"] > 0.95
    assert jaccard["all"] == pytest.approx(0.8, abs=0.03)  # four of five dark pixels


@pytest.fixture
def pairs(tmp_path):
    folder = tmp_path / "pairs"
    folder.mkdir()
    for name in ("ISIC_0000495", "ISIC_0011135"):
        shutil.copy(EXAMPLES / f"{name}.jpg", folder)
        shutil.copy(MASKS / f"{name}_segmentation.png", folder)
    return folder


def test_a_picture_without_a_mask_is_named(pairs, model):
    (pairs / "ISIC_0011135_segmentation.png").unlink()
    result = evaluate("--images", pairs, "--masks", pairs, "--model", model)
    assert_one_line_error(result, str(pairs), "no mask", "1 of 2", "ISIC_0011135")


def test_a_mask_without_a_picture_is_named(pairs, model):
    (pairs / "ISIC_0011135.jpg").unlink()
    result = evaluate("--images", pairs, "--masks", pairs, "--model", model)
    assert_one_line_error(result, str(pairs), "no picture", "1 of 2", "ISIC_0011135")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("ISIC_0011135_segmentation.png", b""),
        ("ISIC_0011135.jpg", b""),
        ("ISIC_0011135.jpg", b"not a picture"),
        ("ISIC_0011135.jpg", (EXAMPLES / "ISIC_0011135.jpg").read_bytes()[:9000]),
    ],
    ids=["empty mask", "empty picture", "text", "truncated JPEG"],
)
def test_an_unreadable_file_is_named_and_nothing_is_written(pairs, tmp_path, model, name, data):
    (pairs / name).write_bytes(data)
    out = tmp_path / "out"
    result = evaluate(
        "--images", pairs, "--masks", pairs, "--model", model, "--json", out / "a.json", "--report", out / "r"
    )
    assert_one_line_error(result, str(pairs / name))
    assert not [path for path in out.rglob("*") if path.is_file()]


def test_a_mask_of_another_size_is_named(pairs, model):
    cv2.imwrite(str(pairs / "ISIC_0011135_segmentation.png"), np.zeros((10, 20), np.uint8))
    result = evaluate("--images", pairs, "--masks", pairs, "--model", model)
    assert_one_line_error(result, "ISIC_0011135", "683 x 512", "20 x 10")


def test_an_empty_or_missing_folder_is_named(pairs, tmp_path, model):
    (tmp_path / "empty").mkdir()
    result = evaluate("--images", tmp_path / "empty", "--masks", pairs, "--model", model)
    assert_one_line_error(result, str(tmp_path / "empty"), "holds no picture")
    result = evaluate("--images", pairs, "--masks", tmp_path / "none", "--model", model)
    assert_one_line_error(result, str(tmp_path / "none"), "no such folder or zip file")


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        ("image_id,subset\nISIC_0000495,train\n", ["split.csv", "no subset 'test'", "train"]),
        ("image,subset\nISIC_0000495,test\n", ["split.csv", "no column 'image_id'", "image, subset"]),
        ("image_id,subset\nISIC_0000495,test\nISIC_9999999,test\n", ["no picture", "1 of 2", "ISIC_9999999"]),
    ],
)
def test_a_split_that_does_not_fit_is_refused(pairs, tmp_path, model, table, parts):
    (tmp_path / "split.csv").write_text(table, encoding="utf-8")
    arguments = ["--split", tmp_path / "split.csv", "--subset", "test"]
    result = evaluate("--images", pairs, "--masks", pairs, "--model", model, *arguments)
    assert_one_line_error(result, *parts)


@pytest.mark.parametrize("option", [["--split", "split.csv"], ["--subset", "test"]])
def test_split_and_subset_go_together(pairs, model, option):
    result = evaluate("--images", pairs, "--masks", pairs, "--model", model, *option)
    assert_one_line_error(result, "--split and --subset", status=2)


@pytest.mark.parametrize("threshold", [0, 1, -0.5, "nan"])
def test_a_threshold_outside_0_to_1_is_refused(pairs, model, threshold):
    result = evaluate("--images", pairs, "--masks", pairs, "--model", model, f"--threshold={threshold}")
    assert_one_line_error(result, "threshold", "between 0 and 1")


@pytest.mark.parametrize("option", ["--json", "--per-image", "--report"])
def test_an_unwritable_output_is_named_before_the_work(pairs, tmp_path, option):
    (tmp_path / "taken").write_text("a file")
    # There is no such model, so an error that names the output came first.
    result = evaluate(
        "--images", pairs, "--masks", pairs, "--model", "none", option, tmp_path / "taken" / "output"
    )
    assert_one_line_error(result, str(tmp_path / "taken" / "output"), "cannot be written")
    assert (tmp_path / "taken").read_text() == "a file"


@pytest.mark.parametrize("option", ["--json", "--per-image"])
def test_a_folder_in_the_place_of_an_output_is_named(pairs, tmp_path, option):
    result = evaluate("--images", pairs, "--masks", pairs, "--model", "none", option, tmp_path)
    assert_one_line_error(result, str(tmp_path), "is a folder")


def test_probabilities_that_are_not_numbers_name_the_picture(pairs, tmp_path, write_model):
    broken = write_model(tmp_path / "nan.onnx", bias=np.nan)
    result = evaluate("--images", pairs, "--masks", pairs, "--model", broken)
    assert_one_line_error(result, "ISIC_0000495", "probability")


def test_an_interruption_leaves_earlier_outputs_as_they_were(pairs, tmp_path, model, monkeypatch):
    def write_half(_, file):
        file.write("half")
        file.flush()
        raise KeyboardInterrupt

    monkeypatch.setattr(Evaluation, "write_csv", write_half)
    output = tmp_path / "out" / "scores.csv"
    output.parent.mkdir()
    output.write_text("earlier")
    result = evaluate("--images", pairs, "--masks", pairs, "--model", model, "--per-image", output)
    assert result.exit_code == 130
    assert output.read_text() == "earlier"
    assert list(output.parent.iterdir()) == [output]


def test_evaluating_imports_no_torch(pairs, model):
    program = (
        "import sys\nfrom aernet.cli import main\n"
        "try:\n    main()\nfinally:\n    assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    arguments = ["evaluate", "--images", pairs, "--masks", pairs, "--model", model]
    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("report", [False, True])
def test_only_a_report_needs_what_renders_it(pairs, model, tmp_path, report):
    program = (
        "import sys\nsys.modules['jinja2'] = sys.modules['matplotlib'] = None\n"
        "from aernet.cli import main\nmain()\n"
    )
    arguments = ["evaluate", "--images", pairs, "--masks", pairs, "--model", model]
    arguments += ["--report", tmp_path / "report"] if report else []
    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert result.returncode == (1 if report else 0), result.stderr
    if report:
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert "pip install 'aernet[report]'" in result.stderr
        assert not (tmp_path / "report").exists()


@pytest.fixture
def segmented(tmp_path, model, command):
    """The masks that `segment` writes for the five pictures."""
    answer = command("segment", EXAMPLES, "-o", tmp_path / "out", "--model", model, "--overlay")
    assert answer.returncode == 0, answer.stderr
    return tmp_path / "out"


@pytest.mark.parametrize("suffix", ["_mask.png", "-lesion.PNG", ".png"])
def test_masks_of_segment_are_judged_as_the_official_scorer_does(segmented, tmp_path, model, suffix):
    image_ids = sorted(path.stem for path in EXAMPLES.glob("*.jpg"))
    expected = official(model, tmp_path, image_ids)
    for path in segmented.glob("*_mask.png"):
        path.rename(segmented / path.name.replace("_mask.png", suffix))
    arguments = ["--predictions", segmented, "--masks", MASKS, "--json", tmp_path / "a.json"]
    arguments += [] if suffix == "_mask.png" else ["--suffix", suffix.lower()]
    result = evaluate(*arguments, "--per-image", tmp_path / "a.csv")
    assert result.exit_code == 0, result.output
    assert_means(tmp_path / "a.json", expected)
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert (content["n"], content["threshold"]) == (5, None)
    assert content["model"] == f"masks {segmented}/*{suffix.lower()}"
    assert f"masks {segmented}/*{suffix.lower()}" in result.stdout
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        assert [row["image_id"] for row in csv.DictReader(file)] == image_ids


def test_experts_masks_may_be_named_otherwise(model, segmented, tmp_path):
    experts = tmp_path / "experts"
    experts.mkdir()
    for mask in MASKS.glob("*_segmentation.png"):
        shutil.copy(mask, experts / mask.name.replace("_segmentation", "_expert"))
    for judged in (["--predictions", segmented], ["--images", EXAMPLES, "--model", model]):
        usual = evaluate(*judged, "--masks", MASKS)
        assert usual.exit_code == 0, usual.output
        otherwise = evaluate(*judged, "--masks", experts, "--mask-suffix", "_expert")
        assert otherwise.stdout == usual.stdout
        assert_one_line_error(evaluate(*judged, "--masks", experts), "--mask-suffix takes another ending")


def test_masks_are_shown_in_a_report_beside_their_pictures(segmented, tmp_path):
    arguments = ["--predictions", segmented, "--masks", MASKS, "--report", tmp_path / "report"]
    assert_one_line_error(evaluate(*arguments), "--report", "--images", status=2)
    result = evaluate(*arguments, "--images", EXAMPLES)
    assert result.exit_code == 0, result.output
    assert "threshold" not in (tmp_path / "report/index.html").read_text().split("<h2>")[0]
    output = cv2.imread(str(tmp_path / "report/pictures/best-1-output.png"), cv2.IMREAD_GRAYSCALE)
    assert 0 < np.count_nonzero(output) < output.size


def test_masks_that_do_not_pair_are_named(segmented, tmp_path):
    arguments = ["--predictions", segmented, "--masks", MASKS]
    (segmented / "ISIC_0000495_mask.png").unlink()
    assert_one_line_error(
        evaluate(*arguments), "no mask <picture>_mask.png in", "for 1 of 5 images: ISIC_0000495"
    )
    split = tmp_path / "split.csv"
    split.write_text("image_id,subset\nISIC_0011135,test\nISIC_0000495,train\n", encoding="utf-8")
    result = evaluate(*arguments, "--split", split, "--subset", "test")
    assert result.exit_code == 0, result.output
    assert "over 1 picture (subset test of split.csv)" in result.stdout
    shutil.copy(segmented / "ISIC_0011135_mask.png", segmented / "ISIC_0000495_mask.png")
    assert_one_line_error(evaluate(*arguments), "ISIC_0000495", "683 x 512", "587 x 512")
    assert_one_line_error(
        evaluate(*arguments, "--suffix", "_x.png"),
        f"{segmented}: holds no mask named <picture>_x.png; --suffix takes another ending",
    )


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ([], "--images"),
        (["--images", EXAMPLES, "--suffix", ".png"], "--suffix goes with --predictions"),
        (["--predictions", EXAMPLES, "--threshold", 0.5], "--threshold"),
        (["--predictions", EXAMPLES, "--keep", "largest"], "--keep"),
        (["--predictions", EXAMPLES, "--model", "aernet", "--device", "cpu"], "--model and --device"),
    ],
)
def test_options_that_contradict_one_another_are_refused(options, part):
    assert_one_line_error(evaluate("--masks", MASKS, *options), part, status=2)


def rewritten(folder, change):
    """Copy the pairs of the examples with their masks changed, as PNG by Pillow."""
    folder.mkdir()
    for picture in EXAMPLES.glob("*.jpg"):
        shutil.copy(picture, folder)
        name = f"{picture.stem}_segmentation.png"
        change(Image.open(MASKS / name).convert("L")).save(folder / name)
    return folder


def in_alpha(mask):
    black = Image.new("L", mask.size)
    return Image.merge("RGBA", [black, black, black, mask])


def test_masks_in_the_alpha_channel_give_the_same_means(tmp_path, model):
    folder = rewritten(tmp_path / "alpha", in_alpha)
    result = evaluate("--images", folder, "--masks", folder, "--model", model, "--json", tmp_path / "a.json")
    assert result.exit_code == 0, result.output
    assert not result.stderr
    assert_means(
        tmp_path / "a.json", official(model, tmp_path, [path.stem for path in EXAMPLES.glob("*.jpg")])
    )


def test_inverted_masks_are_told(tmp_path, model):
    folder = rewritten(tmp_path / "inverted", lambda mask: mask.point(lambda value: 255 - value))
    result = evaluate("--images", folder, "--masks", folder, "--model", model)
    assert result.exit_code == 0, result.output
    assert "5 of 5 experts' masks look inverted" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda mask: mask.point(lambda value: value // 255), "no value here is above 1"),
        (lambda mask: Image.merge("RGB", [mask, Image.new("L", mask.size), mask]), "coloured"),
        (lambda mask: mask.resize((50, 40)), "50 x 40"),
    ],
    ids=["0 and 1", "purple", "another size"],
)
def test_masks_that_cannot_be_scored_are_refused_and_a_check_tells_them(tmp_path, model, change, part):
    folder = rewritten(tmp_path / "pairs", change)
    assert_one_line_error(evaluate("--images", folder, "--masks", folder, "--model", model), part)
    result = CliRunner().invoke(app, ["data", "check", str(folder), "--json"])
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["image_ids"] == []
    assert len(report["problems"]) == 5
    assert all(part in problem["detail"] for problem in report["problems"])


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are bytes on Linux alone")
def test_names_that_are_no_utf_8_are_written_as_they_are(tmp_path, model, command):
    folder = tmp_path / "pairs"
    folder.mkdir()
    for path in (EXAMPLES / "ISIC_0000495.jpg", MASKS / "ISIC_0000495_segmentation.png"):
        name = os.fsencode(path.name).replace(b"ISIC", b"L\xe4sion")
        shutil.copy(path, folder / os.fsdecode(name))
    arguments = ["--images", folder, "--masks", folder, "--model", model, "--per-image", tmp_path / "a.csv"]
    answer = command("evaluate", *arguments)
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "a.csv").read_bytes().splitlines()[1].startswith(b"L\xe4sion_0000495,")
    shutil.copy(EXAMPLES / "ISIC_0000495.jpg", folder / os.fsdecode(b"\xff\n.jpg"))
    answer = command("data", "check", folder)
    assert answer.returncode == 1, answer.stderr
    assert "no mask" in answer.stdout
    assert "\\udcff" in answer.stdout
