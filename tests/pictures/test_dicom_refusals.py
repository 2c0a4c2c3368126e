"""DICOM files that give no picture are refused in one line, which never names a patient."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from dicom_objects import (
    PHOTOGRAPH,
    RARE,
    SECONDARY_CAPTURE,
    TEST_FILES,
    content,
    encapsulated,
    example,
    inflating,
    item,
    photograph,
    stored,
)
from pictures.files import encode, refusal
from pydicom.uid import UID

from aernet import SourceError
from aernet.pictures import decode_picture, mm_per_pixel_of

JPEG = "1.2.840.10008.1.2.4.50"
PDF, DICOMDIR = "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.1.3.10"


def test_a_ct_slice_is_no_photograph():
    assert "another kind (CT Image Storage)" in refusal((TEST_FILES / "CT_small.dcm").read_bytes())


def test_a_pdf_is_no_photograph():
    data = photograph(example(), PDF, PixelData=None, EncapsulatedDocument=b"%PDF-1.7")
    assert "another kind (Encapsulated PDF Storage)" in refusal(content(data))


def test_a_dicomdir_is_an_index():
    assert "a DICOMDIR, which names files" in refusal((TEST_FILES / "dicomdirtests/DICOMDIR").read_bytes())


def test_pixels_must_be_there():
    assert "no pixels" in refusal(content(photograph(example(), PixelData=None)))


@pytest.mark.parametrize("syntax", ["1.2.3.4.5", "1.2.840.10008.1.2.4.102"])
def test_what_is_not_decoded_is_refused(syntax):
    refused = refusal(content(encapsulated(photograph(example()), syntax, b"\0\0")))
    assert "its transfer syntax (" in refused
    assert "is not read here; export it uncompressed" in refused


def test_a_rare_interpretation_is_refused():
    refused = refusal(content(photograph(example(), PhotometricInterpretation="HSV")))
    assert "photometric interpretation (HSV)" in refused


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.999])
def test_a_part_of_a_file_is_refused(kept):
    whole = content(photograph(example()))
    assert "cut short" in refusal(whole[: int(len(whole) * kept)])


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.98])
def test_a_part_of_a_jpeg_is_refused(kept):
    jpeg = encode(".jpg", example())
    data = encapsulated(photograph(example()), JPEG, jpeg[: int(len(jpeg) * kept)])
    assert "cut short" in refusal(content(data))


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (65535, 65535)])
def test_absurd_sizes_are_refused(size):
    rows, columns = size
    refused = refusal(content(photograph(example(), Rows=rows, Columns=columns)))
    assert f"it claims to have {columns} x {rows} pixels" in refused


@pytest.mark.parametrize(
    ("syntax", "frame"),
    [
        ("1.2.840.10008.1.2.4.80", b"\xff\xd8\xff\xf7\0\x11\x08\xff\xff\xff\xff\3" + bytes(40)),
        ("1.2.840.10008.1.2.4.70", b"\xff\xd8\xff\xc3\0\x11\x08\xff\xff\xff\xff\3" + bytes(40)),
        ("1.2.840.10008.1.2.4.90", b"\xff\x4f\xff\x51\0\x29\0\0" + b"\0\xff\xff\xff" * 2 + bytes(40)),
        (JPEG, b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\3\1\x11\0\2\x11\0\3\x11\0" + bytes(40)),
    ],
)
def test_absurd_sizes_within_a_frame_are_refused(syntax, frame):
    assert "it claims to have" in refusal(content(encapsulated(photograph(example()), syntax, frame)))


def test_a_frame_of_another_size_is_refused():
    jpeg = encode(".jpg", example()[::2])
    refusal(content(encapsulated(photograph(example()), JPEG, jpeg)))


def test_noise_within_a_file_is_refused_or_read():
    whole = bytearray(content(photograph(example())))
    random = np.random.default_rng(7)
    for _ in range(200):
        damaged = whole.copy()
        for at in random.integers(132, 1400, 6):
            damaged[at] = random.integers(256)
        try:
            refused = refusal(bytes(damaged))
        except pytest.fail.Exception:  # it was read all the same
            continue
        assert RARE not in refused


@pytest.mark.parametrize("spacing", [[0, 0.1], [0.1, -0.1]])
def test_a_spacing_must_be_above_0(spacing, tmp_path):
    path = stored(photograph(example(), PixelSpacing=spacing), tmp_path / "x.dcm")
    with pytest.raises(SourceError, match=rf"^{path}: its Pixel Spacing is .* above 0"):
        mm_per_pixel_of(path)


def test_the_spacing_is_that_of_rows_then_columns(tmp_path):
    path = stored(photograph(example(), PixelSpacing=["0.02", "0.03"]), tmp_path / "x.dcm")
    assert mm_per_pixel_of(path) == (0.02, 0.03)


def test_the_spacing_may_be_that_of_the_frames(tmp_path):
    measures = item(PixelMeasuresSequence=[item(PixelSpacing=["0.02", "0.03"])])
    data = photograph(example(), PHOTOGRAPH, SharedFunctionalGroupsSequence=[measures])
    assert mm_per_pixel_of(stored(data, tmp_path / "x.dcm")) == (0.02, 0.03)


def test_the_spacing_of_a_scanner_or_a_detector_does_not_count(tmp_path):
    others = {"NominalScannedPixelSpacing": ["0.02"] * 2, "ImagerPixelSpacing": ["0.03"] * 2}
    path = stored(photograph(example(), SECONDARY_CAPTURE, **others), tmp_path / "x.dcm")
    assert mm_per_pixel_of(path) is None


def test_nothing_is_logged_or_warned_of_damaged_elements(caplog, recwarn):
    data = photograph(example())
    whole = content(data).replace(b"20240229", b"Zyxomma!")
    caplog.set_level(logging.DEBUG)
    from aernet.pictures import decode_picture

    decode_picture(whole, "x.dcm")
    assert RARE not in caplog.text
    assert not recwarn.list


@pytest.mark.parametrize("lone", [b"0       ", b"0.1     "])
def test_a_lone_number_is_no_spacing(lone, tmp_path):
    whole = content(photograph(example(), PixelSpacing=["0.1", "0.1"]))
    path = tmp_path / "x.dcm"
    path.write_bytes(whole.replace(b"0.1\\0.1 ", lone))
    with pytest.raises(SourceError, match=r"its Pixel Spacing is 0\S* mm, expected two numbers above 0"):
        mm_per_pixel_of(path)


def test_an_empty_spacing_states_none(tmp_path):
    path = stored(photograph(example(), PixelSpacing=[]), tmp_path / "x.dcm")
    assert mm_per_pixel_of(path) is None


def test_what_would_be_huge_once_inflated_is_refused_before():
    data = inflating(content(photograph(example())))
    assert len(data) < 200_000
    with pytest.raises(SourceError, match=r"^the file: it would have more than 8000000 bytes once inflated"):
        decode_picture(data, "the file", most_pixels=1_000_000)


def test_a_deflated_file_is_read():
    data = photograph(example())
    data.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1.99")
    np.testing.assert_array_equal(decode_picture(content(data), "a"), example())
