from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from training.conftest import IMAGES, MASKS

from aernet.errors import SourceError
from aernet.training.dataset import load_subset


def test_pictures_and_masks_are_those_of_the_files(dataset):
    pictures = load_subset(dataset, "val", 32)
    assert pictures.image_ids == [f"ISIC_{number:07}" for number in range(16, 20)]
    rgb, mask = pictures.batch(torch.tensor([1]), torch.device("cpu"))
    picture = cv2.imread(str(dataset / IMAGES / "ISIC_0000017.png"))
    expected = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA)[:, :, ::-1] / 255
    assert np.allclose(rgb[0].permute(1, 2, 0), expected, atol=1e-6)
    truth = cv2.imread(str(dataset / MASKS / "ISIC_0000017_segmentation.png"), cv2.IMREAD_GRAYSCALE) / 255
    assert mask.mean().item() == pytest.approx(truth.mean(), abs=0.01)


def test_zip_files_serve_as_folders_do(dataset, tmp_path):
    for name in (IMAGES, MASKS):
        shutil.make_archive(str(tmp_path / name), "zip", dataset, name)
    shutil.copy(dataset / "isic2018_split.csv", tmp_path)
    from_zip, from_folder = load_subset(tmp_path, "train", 32), load_subset(dataset, "train", 32)
    assert torch.equal(from_zip.rgb, from_folder.rgb)
    assert torch.equal(from_zip.mask, from_folder.mask)


def test_a_pair_of_unequal_sizes_is_named(dataset, tmp_path):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    assert cv2.imwrite(str(copy / MASKS / "ISIC_0000018_segmentation.png"), np.full((50, 50), 255, np.uint8))
    with pytest.raises(SourceError, match="ISIC_0000018: the picture has 96 x 72 pixels, its mask 50 x 50"):
        load_subset(copy, "val", 32)


def test_what_is_missing_is_named(dataset, tmp_path):
    with pytest.raises(SourceError, match="subset 'holdout'"):
        load_subset(dataset, "holdout", 32)
    shutil.copy(dataset / "isic2018_split.csv", tmp_path)
    with pytest.raises(SourceError, match="holds no picture"):
        load_subset(tmp_path, "val", 32)
    shutil.copytree(dataset / IMAGES, tmp_path / IMAGES)
    with pytest.raises(SourceError, match=f"holds {IMAGES}, but neither the folder {MASKS} nor a zip"):
        load_subset(tmp_path, "val", 32)


def test_pictures_and_masks_in_folders_of_other_names_serve_too(dataset, tmp_path):
    shutil.copytree(dataset / IMAGES, tmp_path / "images")
    shutil.copytree(dataset / MASKS, tmp_path / "masks")
    shutil.copy(dataset / "isic2018_split.csv", tmp_path)
    found, expected = load_subset(tmp_path, "val", 32), load_subset(dataset, "val", 32)
    assert found.image_ids == expected.image_ids
    assert torch.equal(found.rgb, expected.rgb)
    assert torch.equal(found.mask, expected.mask)


def test_a_zip_file_with_masks_of_other_names_and_a_table_from_elsewhere_serve_too(dataset, tmp_path):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    for mask in (copy / MASKS).iterdir():
        mask.rename(mask.with_name(mask.name.replace("_segmentation", "_mask")))
    archive = Path(shutil.make_archive(str(tmp_path / "lesions"), "zip", copy))
    table = dataset / "isic2018_split.csv"
    found = load_subset(archive, "val", 32, table=table, mask_ending="_mask")
    assert torch.equal(found.mask, load_subset(dataset, "val", 32).mask)
    with pytest.raises(
        SourceError, match=r"lesions\.zip: holds no table of subsets, isic2018_split\.csv or "
    ):
        load_subset(archive, "val", 32, mask_ending="_mask")


def test_a_picture_in_place_of_a_mask_is_named(dataset, tmp_path):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    shutil.copy(copy / IMAGES / "ISIC_0000018.png", copy / MASKS / "ISIC_0000018_segmentation.png")
    with pytest.raises(SourceError, match=r"ISIC_0000018_segmentation\.png: .* here are coloured"):
        load_subset(copy, "val", 32)


def test_unknown_ids_of_the_table_are_named(dataset, tmp_path):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    with (copy / "isic2018_split.csv").open("a") as file:
        file.write("ISIC_9999999,val\n")
    with pytest.raises(SourceError, match=rf"no picture in .*{IMAGES} for 1 of 5 images: ISIC_9999999$"):
        load_subset(copy, "val", 32)
