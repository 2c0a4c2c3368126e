from __future__ import annotations

import shutil

import pytest

from aernet.data.sources import find_sources
from aernet.errors import SourceError

PICTURES, MASKS = "ISIC2018_Task1-2_{}_Input", "ISIC2018_Task1_{}_GroundTruth"


def part(folder, name):
    for template in (PICTURES, MASKS):
        (folder / template.format(name)).mkdir()
        (folder / template.format(name) / "file").touch()


def test_official_parts_are_found_as_folders_and_as_zip_files(tmp_path):
    part(tmp_path, "Training")
    part(tmp_path, "Test")
    for template in (PICTURES, MASKS):
        name = template.format("Test")
        shutil.make_archive(str(tmp_path / name), "zip", tmp_path, name)
        shutil.rmtree(tmp_path / name)
    assert find_sources(tmp_path) == [
        (tmp_path / PICTURES.format("Training"), tmp_path / MASKS.format("Training")),
        (tmp_path / f"{PICTURES.format('Test')}.zip", tmp_path / f"{MASKS.format('Test')}.zip"),
    ]


def test_one_zip_file_with_several_parts_is_one_source(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    part(inner, "Training")
    part(inner, "Validation")
    data = tmp_path / "data"
    data.mkdir()
    archive = shutil.make_archive(str(data / "all"), "zip", inner)
    assert [list(map(str, places)) for places in find_sources(data)] == [[archive, archive]]


def test_anything_else_holds_both_itself(tmp_path):
    assert find_sources(tmp_path) == [(tmp_path, tmp_path)]


@pytest.mark.parametrize(("there", "lacking"), [(PICTURES, MASKS), (MASKS, PICTURES)])
def test_half_of_an_official_part_is_named(tmp_path, there, lacking):
    part(tmp_path, "Validation")
    shutil.rmtree(tmp_path / lacking.format("Validation"))
    message = f"holds {there.format('Validation')}, but neither the folder {lacking.format('Validation')}"
    with pytest.raises(SourceError, match=message):
        find_sources(tmp_path)
