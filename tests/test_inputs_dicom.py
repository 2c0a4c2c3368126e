"""DICOM photographs are found in folders and by a DICOMDIR, and other DICOM files are left out by name."""

from __future__ import annotations

import shutil

import pytest
from dicom_objects import TEST_FILES, example, inflating, photograph, stored
from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.fileset import FileSet

from aernet import SourceError
from aernet.inputs import count_kinds, find_pictures, list_dicomdir, list_folder
from aernet.pictures import read_picture
from aernet.pictures.raster import at_most


@pytest.fixture
def medium(tmp_path):
    """Return a folder with a DICOMDIR of two photographs and a CT slice."""
    fileset = FileSet()
    for number in range(2):
        fileset.add(stored(photograph(example(), InstanceNumber=number + 1), tmp_path / f"{number}.dcm"))
    fileset.add(TEST_FILES / "CT_small.dcm")
    fileset.write(tmp_path / "medium")
    fileset._stage["t"].cleanup()  # which it would leave to the garbage collector
    return tmp_path / "medium"


def test_photographs_are_found_whatever_their_suffix(tmp_path):
    names = ["1.2.840.113", "IM0001", "a.dcm", "b.DICOM"]
    for name in names:
        stored(photograph(example()), tmp_path / name)
    shutil.copy(TEST_FILES / "CT_small.dcm", tmp_path)
    found = list_folder(tmp_path, (".png", ".dcm", ".dicom"))
    assert [path.name for path in found.files] == names
    assert count_kinds(found.left_out) == ["1 DICOM file"]
    assert "(CT Image Storage)" in found.left_out[0].reason


def test_a_dicomdir_stands_for_the_photographs_that_it_names(medium):
    (medium / "viewer.png").touch()
    found = find_pictures([medium / "DICOMDIR"])
    assert len(found) == 2
    assert all(path.is_file() and path.is_relative_to(medium) for path in found)
    assert "(CT Image Storage)" in list_dicomdir(medium / "DICOMDIR").left_out[0].reason
    in_folder = list_folder(medium, (".png",))
    assert sorted(found) == [path for path in in_folder.files if path.name != "viewer.png"]
    assert {thing.kind for thing in in_folder.left_out} == {"DICOMDIR", "DICOM file"}


def test_files_that_a_dicomdir_names_in_vain_are_told(medium):
    gone = find_pictures([medium / "DICOMDIR"])[0]
    gone.unlink()
    reasons = {thing.path: thing.reason for thing in list_dicomdir(medium / "DICOMDIR").left_out}
    assert reasons[gone] == "cannot be read (No such file or directory)"


def test_a_damaged_dicomdir_is_named(medium):
    path = medium / "DICOMDIR"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(SourceError, match=f"^{path}: the DICOM file is damaged or cut short"):
        find_pictures([path])


def test_without_the_extra_it_is_named(monkeypatch, tmp_path):
    for module in ("dicom_header", "dicom_folders"):
        monkeypatch.setattr(f"aernet.pictures.{module}.find_spec", lambda _: None)
    path = stored(photograph(example()), tmp_path / "x.dcm")
    remedy = r"needs pydicom; pip install 'aernet\[dicom\]'$"
    with pytest.raises(SourceError, match=f"^{path}: a DICOM file {remedy}"):
        read_picture(path)
    assert list_folder(tmp_path, (".dcm",)).left_out[0].reason == (
        "a DICOM file needs pydicom; pip install 'aernet[dicom]'"
    )
    with pytest.raises(SourceError, match=remedy):
        find_pictures([stored(photograph(example()), tmp_path / "DICOMDIR")])


@pytest.mark.parametrize(
    "name",
    [["..", "A", "B.DCM"], "../B.DCM", ["A", "..\\..", "B.DCM"], "/etc/B.DCM", "C:B.DCM"],
)
def test_a_dicomdir_names_nothing_outside_its_folder(medium, name):
    """Else strangers' files would be read, and masks be written outside the output folder."""
    path = medium / "DICOMDIR"
    index = dcmread(path)
    image = next(one for one in index.DirectoryRecordSequence if one.DirectoryRecordType == "IMAGE")
    with disable_value_validation():
        image.ReferencedFileID = name
    index.save_as(path)
    with pytest.raises(SourceError, match=f"^{path}: 1 of the 3 files that it names lie outside its folder"):
        list_dicomdir(path)


def test_a_dicomdir_that_would_be_huge_once_inflated(medium):
    path = medium / "DICOMDIR"
    path.write_bytes(inflating(path.read_bytes()))
    refused = pytest.raises(
        SourceError, match=f"^{path}: it would have more than 8000000 bytes once inflated"
    )
    with at_most(1_000_000), refused:
        list_dicomdir(path)
