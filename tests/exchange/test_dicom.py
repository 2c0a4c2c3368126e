"""Segmentations and reports are what the standard says, of the photograph's study and patient."""

from __future__ import annotations

import io
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from dicom_objects import (
    PHOTOGRAPH,
    RARE,
    SECONDARY_CAPTURE,
    example,
    photograph,
    stored,
    verified,
)

from aernet import FrameError, SourceError
from aernet.exchange.dicom_seg import to_dicom_seg
from aernet.exchange.dicom_sr import to_dicom_sr
from aernet.measure import measure_mask

highdicom = pytest.importorskip("highdicom")
pydicom = pytest.importorskip("pydicom")

SPACING = {"PixelSpacing": ["0.02", "0.02"]}
SOURCES = {
    "dermoscopy": {},
    "with a spacing": SPACING,
    "without a frame of reference": SPACING | {"FrameOfReferenceUID": None},
    "VL photographic": {"storage_class": PHOTOGRAPH},
    "secondary capture": {
        "storage_class": SECONDARY_CAPTURE,
        **dict.fromkeys(("FrameOfReferenceUID", "PatientOrientation", "AccessionNumber", "PatientSex")),
    },
    "another alphabet": {"PatientName": "Ζύξομμα^Ω"},
}


def lesion(*, holes=False):
    mask = np.zeros(example().shape[:2], np.uint8)
    cv2.ellipse(mask, (110, 90), (60, 30), 20, 0, 360, 255, -1)
    cv2.circle(mask, (220, 30), 9, 255, -1)
    if holes:
        cv2.circle(mask, (110, 90), 9, 0, -1)
    return mask


@pytest.fixture(params=SOURCES)
def source(request, tmp_path):
    return stored(photograph(example(), **SOURCES[request.param]), tmp_path / "x.dcm")


def opened(content):
    return pydicom.dcmread(io.BytesIO(content))


def segmentation(source, mask, kind="BINARY"):
    return to_dicom_seg(mask, source, "aernet", "7", kind)


def report(source, mask):
    return to_dicom_sr(mask, source, "aernet", "7")


def groups(content):
    """Return the measurements of each region, by the meaning of their codes, with unit."""
    document = highdicom.sr.srread(io.BytesIO(content))
    return [
        {item.name.meaning: (item.value, item.unit.value) for item in group.get_measurements()}
        for group in document.content.get_planar_roi_measurement_groups()
    ]


def test_the_test_objects_are_what_the_standard_says(tmp_path):
    path = stored(photograph(example(), **SPACING), tmp_path / "x.dcm")
    assert not [line for line in verified(path.read_bytes()) if line.startswith("Error")]


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_a_segmentation_has_no_error(source, kind):
    assert verified(segmentation(source, lesion(holes=True), kind)) == ["Segmentation"]


@pytest.mark.parametrize("mask", [lesion(), lesion(holes=True), 0 * lesion()], ids=["two", "hole", "empty"])
def test_a_report_has_no_error(source, mask):
    assert verified(report(source, mask)) == ["ComprehensiveSR"]


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
@pytest.mark.parametrize("mask", [lesion(holes=True), 0 * lesion()], ids=["lesion", "empty"])
def test_the_pixels_come_back(source, mask, kind):
    content = segmentation(source, mask, kind)
    np.testing.assert_array_equal(opened(content).pixel_array.squeeze() > 0, mask > 0)
    read = highdicom.seg.segread(io.BytesIO(content))
    pixels = read.get_pixels_by_source_instance([pydicom.dcmread(source).SOPInstanceUID])
    np.testing.assert_array_equal(pixels.squeeze() > 0, mask > 0)


@pytest.mark.parametrize("make", [segmentation, report])
def test_study_and_patient_are_those_of_the_photograph(source, make):
    photographed, made = pydicom.dcmread(source), opened(make(source, lesion()))
    for name in ("StudyInstanceUID", "PatientName", "PatientID", "PatientBirthDate", "StudyDate", "StudyID"):
        assert made[name].value == photographed[name].value
    assert made.SeriesInstanceUID != photographed.SeriesInstanceUID
    assert made.SOPInstanceUID != photographed.SOPInstanceUID
    referred = [str(item.value) for item in made.iterall() if item.keyword == "ReferencedSOPInstanceUID"]
    assert set(referred) == {photographed.SOPInstanceUID}


def test_the_segment_says_what_it_is_and_who_made_it(source):
    made = opened(segmentation(source, lesion()))
    (segment,) = made.SegmentSequence
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == "95324001"
    assert segment.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "49755003"
    (algorithm,) = segment.SegmentationAlgorithmIdentificationSequence
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("aernet", "7")


def test_the_spacing_is_that_of_the_photograph(tmp_path):
    path = stored(photograph(example(), PixelSpacing=["0.02", "0.03"]), tmp_path / "x.dcm")
    made = opened(segmentation(path, lesion()))
    (measures,) = made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    assert list(measures.PixelSpacing) == [0.02, 0.03]
    assert measures.SliceThickness > 0


@pytest.mark.parametrize("spacing", [None, ["0.02", "0.02"], ["0.020", "0.0205"]])
def test_measurements_are_those_of_each_region(tmp_path, spacing):
    path = stored(photograph(example(), PixelSpacing=spacing), tmp_path / "x.dcm")
    scale = None if spacing is None else [float(value) for value in spacing]
    big, small = groups(report(path, lesion()))
    for group, kept in ((big, slice(0, 200)), (small, slice(200, None))):
        region = np.zeros_like(lesion())
        region[:, kept] = lesion()[:, kept]
        expected = measure_mask(region, mm_per_pixel=scale).row()
        length, area = ("mm", "mm2") if spacing else ("{pixels}", "{pixels}")
        end, square = ("mm", "mm2") if spacing else ("px", "px")
        assert group == {
            "Area": (pytest.approx(expected[f"area_{square}"]), area),
            "Long axis": (pytest.approx(expected[f"longest_diameter_{end}"]), length),
            "Short axis": (pytest.approx(expected[f"shortest_diameter_{end}"]), length),
            "Perimeter": (pytest.approx(expected[f"perimeter_{end}"]), length),
        }


def test_a_known_disc_is_measured_in_millimetres(tmp_path):
    path = stored(photograph(example(), **SPACING), tmp_path / "x.dcm")
    disc = cv2.circle(np.zeros(example().shape[:2], np.uint8), (100, 90), 50, 255, -1)
    (group,) = groups(report(path, disc))
    assert group["Long axis"][0] == pytest.approx(2.02, abs=0.03)
    assert group["Area"][0] == pytest.approx(np.pi, rel=0.01)


def test_of_distorted_pixels_the_area_alone_is_given(tmp_path):
    path = stored(photograph(example(), PixelSpacing=["0.02", "0.03"]), tmp_path / "x.dcm")
    content = report(path, lesion())
    assert verified(content) == ["ComprehensiveSR"]
    for group in groups(content):
        assert group.keys() == {"Area"}


@pytest.mark.parametrize("mask", [lesion(), lesion() * (np.indices(lesion().shape).sum(0) == 200)])
def test_the_outline_encloses_the_mask(tmp_path, mask):
    path = stored(photograph(example()), tmp_path / "x.dcm")
    document = highdicom.sr.srread(io.BytesIO(report(path, mask)))
    drawn = np.zeros_like(mask)
    for group in document.content.get_planar_roi_measurement_groups():
        points = group.roi.value
        np.testing.assert_array_equal(points[0], points[-1])
        # Pixels whose centres, at halves, lie within.
        y, x = np.mgrid[: mask.shape[0], : mask.shape[1]] + 0.5
        border = points.astype(np.float32)[:, None]
        inside = [
            cv2.pointPolygonTest(border, xy, measureDist=False) for xy in zip(x.flat, y.flat, strict=True)
        ]
        drawn[np.reshape(inside, mask.shape) > 0] = 255
    np.testing.assert_array_equal(drawn, mask)


def test_a_region_is_measured_the_same_wherever_it_lies(tmp_path):
    path = stored(photograph(example(), **SPACING), tmp_path / "x.dcm")
    ring = cv2.circle(np.zeros((192, 256), np.uint8), (60, 60), 20, 255, 8)
    mask = ring | np.roll(ring, (70, 130), (0, 1))
    first, second = groups(report(path, mask))
    assert first == second
    assert first["Area"][0] == pytest.approx(np.count_nonzero(ring) * 0.02**2)


def test_an_outline_is_never_longer_than_an_element(tmp_path):
    ragged = np.random.default_rng(5).integers(0, 2, (1024, 1024), np.uint8) * 255
    ragged = cv2.morphologyEx(ragged, cv2.MORPH_CLOSE, np.ones((2, 2), np.uint8))
    picture = np.repeat(ragged[..., None], 3, axis=2)
    path = stored(photograph(picture), tmp_path / "x.dcm")
    from aernet.regions import largest_region

    assert verified(report(path, largest_region(ragged))) == ["ComprehensiveSR"]


def test_of_several_frames_the_first_is_meant(tmp_path):
    data = photograph(example(), "1.2.840.10008.5.1.4.1.1.7.4", NumberOfFrames=2, FrameOfReferenceUID=None)
    data.PixelData *= 2
    path = stored(data, tmp_path / "x.dcm")
    made = highdicom.seg.segread(io.BytesIO(segmentation(path, lesion())))
    np.testing.assert_array_equal(made.pixel_array.squeeze() > 0, lesion() > 0)
    (source,) = made.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence
    assert source.ReferencedFrameNumber == 1
    assert verified(report(path, lesion())) == ["ComprehensiveSR"]


def test_the_report_of_an_empty_mask_says_so(tmp_path):
    path = stored(photograph(example(), **SPACING), tmp_path / "x.dcm")
    document = highdicom.sr.srread(io.BytesIO(report(path, 0 * lesion())))
    assert groups(report(path, 0 * lesion())) == []
    (group,) = document.content.get_image_measurement_groups()
    (area,) = group.get_measurements()
    assert (area.name.meaning, area.value, area.unit.value) == ("Area", 0, "mm2")


@pytest.mark.parametrize("make", [segmentation, report])
def test_an_empty_frame_of_reference_is_none(tmp_path, make):
    path = stored(photograph(example(), FrameOfReferenceUID=""), tmp_path / "x.dcm")
    assert len(verified(make(path, lesion()))) == 1


@pytest.mark.parametrize("make", [segmentation, report])
def test_sources_that_do_not_serve_are_named(make, tmp_path):
    path = tmp_path / "x.dcm"
    for changes, message in (
        ({"StudyInstanceUID": None}, "it lacks StudyInstanceUID"),
        ({"PixelSpacing": ["0", "0"]}, "its Pixel Spacing is 0 x 0 mm"),
        ({"PatientSex": ["O", "M"]}, "--debug tells more"),
    ):
        with pytest.raises(SourceError, match=rf"^{path}: [^\n]*{message}[^\n]*$") as error:
            make(stored(photograph(example(), **changes), path), lesion())
        assert RARE not in str(error.value)
    with pytest.raises(FrameError, match="mask must have the size of"):
        make(stored(photograph(example()), path), lesion()[1:])
    path.write_bytes(b"no DICOM")
    with pytest.raises(SourceError, match="can be made of a DICOM file alone"):
        make(path, lesion())


def test_the_page_is_true(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "dicom.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    stored(photograph(example(), **SPACING), tmp_path / "photo.dcm")
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "docs/dicom.md", "exec"), {})
    for name in ("photo_seg.dcm", "photo_sr.dcm"):
        assert len(verified((tmp_path / name).read_bytes())) == 1
