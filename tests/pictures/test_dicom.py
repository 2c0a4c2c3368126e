"""DICOM photographs are read as pydicom, OpenCV and Pillow see them, whatever stores their pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from dicom_objects import (
    DERMOSCOPY,
    PHOTOGRAPH,
    SECONDARY_CAPTURE,
    TEST_FILES,
    content,
    encapsulated,
    example,
    photograph,
    stored,
)
from pictures.files import encode, saved
from PIL import Image, ImageCms
from pydicom.pixels.processing import apply_windowing

from aernet import SourceError
from aernet.pictures import decode_picture, read_picture

JPEG, LOSSLESS_JPEG, JPEG_LS = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 70, 80))
JPEG_2000, RLE, BIG_ENDIAN = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.2"


def read(data):
    return decode_picture(content(data), "x.dcm")


def ramp(bits):
    return np.arange(256 * 64, dtype=np.uint16).reshape(128, 128) % (1 << bits)


@pytest.mark.parametrize("storage_class", [DERMOSCOPY, PHOTOGRAPH, SECONDARY_CAPTURE])
def test_colours_are_those_stored(storage_class):
    picture = example()
    np.testing.assert_array_equal(read(photograph(picture, storage_class)), picture)


def test_a_file_is_known_by_its_preamble(tmp_path):
    picture = example()
    np.testing.assert_array_equal(read_picture(stored(photograph(picture), tmp_path / "IM0001")), picture)


def test_planes_are_put_together():
    picture = example()
    planes = picture[..., ::-1].transpose(2, 0, 1).tobytes()
    np.testing.assert_array_equal(read(photograph(picture, PlanarConfiguration=1, PixelData=planes)), picture)


def test_ybr_becomes_rgb():
    picture = example()
    ycrcb = cv2.cvtColor(picture, cv2.COLOR_BGR2YCrCb)
    shown = read(
        photograph(
            picture,
            PhotometricInterpretation="YBR_FULL",
            PixelData=np.ascontiguousarray(ycrcb[..., [0, 2, 1]]).tobytes(),
        )
    )
    assert np.abs(shown.astype(int) - cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2BGR)).max() <= 1


def test_a_palette_is_applied():
    indices = np.array(Image.fromarray(example()[..., ::-1]).quantize(200))
    palette = np.random.default_rng(1).integers(0, 256, (256, 3), np.uint8)
    tables = {
        f"{colour}PaletteColorLookupTableData": palette[:, channel].tobytes()
        for channel, colour in enumerate(("Red", "Green", "Blue"))
    }
    descriptors = {name.replace("Data", "Descriptor"): [256, 0, 8] for name in tables}
    data = photograph(
        indices, SECONDARY_CAPTURE, PhotometricInterpretation="PALETTE COLOR", **descriptors, **tables
    )
    np.testing.assert_array_equal(read(data), palette[indices][..., ::-1])


def test_monochrome_1_is_the_negative():
    gray = ramp(8).astype(np.uint8)
    shown = read(photograph(gray, SECONDARY_CAPTURE, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(shown, np.repeat(255 - gray[..., None], 3, axis=2))


def test_a_slope_below_zero_turns_gray_around():
    gray = cv2.cvtColor(example(), cv2.COLOR_BGR2GRAY)
    data = photograph(gray, SECONDARY_CAPTURE, RescaleSlope="-1", RescaleIntercept="255")
    np.testing.assert_array_equal(decode_picture(content(data), "a")[..., 0], 255 - gray)


def test_without_a_window_all_stored_bits_count():
    shown = read(photograph(ramp(12), SECONDARY_CAPTURE, BitsStored=12, HighBit=11))
    np.testing.assert_array_equal(shown[..., 0], np.rint(ramp(12) / 4095 * 255))


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_a_window_is_applied_as_pydicom_does(function):
    data = photograph(
        ramp(12),
        SECONDARY_CAPTURE,
        BitsStored=12,
        HighBit=11,
        WindowCenter=["1800", "90"],
        WindowWidth=["900", "7"],
        VOILUTFunction=function,
    )
    expected = apply_windowing(ramp(12), data) / 4095 * 255
    assert np.abs(read(data)[..., 0] - expected).max() <= 0.51


def test_16_bits_of_colour_are_scaled():
    picture = example()
    np.testing.assert_array_equal(
        read(photograph(picture.astype(np.uint16) * 257, SECONDARY_CAPTURE)), picture
    )


@pytest.mark.parametrize("sampling", [cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422, None])
def test_jpeg_is_decoded_as_by_itself(sampling):
    options = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling) if sampling else ()
    jpeg = encode(".jpg", example(), *options)
    shown = read(encapsulated(photograph(example()), JPEG, jpeg, PhotometricInterpretation="YBR_FULL_422"))
    assert np.abs(shown.astype(int) - cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1)).max() <= 2


def test_jpeg_2000_is_decoded():
    codestream = saved(example(), "JPEG2000", irreversible=False, no_jp2=True)
    data = encapsulated(photograph(example()), JPEG_2000, codestream, PhotometricInterpretation="YBR_RCT")
    np.testing.assert_array_equal(read(data), example())


@pytest.mark.parametrize("syntax", [RLE, JPEG_LS])
def test_lossless_compression_changes_nothing(syntax):
    data = photograph(example())
    data.compress(syntax, generate_instance_uid=False)
    np.testing.assert_array_equal(read(data), example())


@pytest.mark.parametrize(
    ("name", "same", "most"),
    [
        ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm", 0),  # JPEG Lossless, Process 14, of another encoder
        ("SC_rgb_gdcm_KY.dcm", "SC_rgb_rle.dcm", 0),  # JPEG 2000
        ("SC_rgb_rle_16bit.dcm", "SC_rgb_rle.dcm", 0),
        ("SC_ybr_full_422_uncompressed.dcm", "SC_rgb_rle.dcm", 1),
        ("SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_rle.dcm", 3),  # RGB within a JPEG
        ("SC_rgb_dcmtk_+eb+cy+s4.dcm", "SC_rgb_rle.dcm", 3),
        ("SC_rgb_jls_lossy_line.dcm", "SC_rgb_rle.dcm", 10),
        ("SC_rgb_small_odd_big_endian.dcm", "SC_rgb_small_odd.dcm", 0),
    ],
)
def test_encoders_of_others_agree(name, same, most):
    one, other = (read_picture(TEST_FILES / file).astype(int) for file in (name, same))
    assert np.median(np.abs(one - other)) <= most


def test_of_several_frames_the_first_is_taken(caplog):
    name = "SC_rgb_rle_2frame.dcm"
    np.testing.assert_array_equal(
        read_picture(TEST_FILES / name), read_picture(TEST_FILES / "SC_rgb_rle.dcm")
    )
    assert caplog.messages == [f"{TEST_FILES / name}: the first of 2 frames is taken"]


def test_the_icc_profile_counts_as_in_a_png():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    swapped = bytearray(profile.tobytes())
    red, green = swapped.find(b"rXYZ"), swapped.find(b"gXYZ")
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    expected = decode_picture(saved(example(), "PNG", icc_profile=bytes(swapped)), "x.png")
    assert np.abs(expected.astype(int) - example()).mean() > 5
    np.testing.assert_array_equal(
        read(photograph(example(), ICCProfile=bytes(swapped) + bytes(len(swapped) % 2))), expected
    )


def test_the_patient_is_never_parsed(monkeypatch, tmp_path):
    path = stored(photograph(example()), tmp_path / "x.dcm")
    seen = []
    monkeypatch.setattr("pydicom.valuerep.PersonName.__init__", lambda *_: seen.append(1))
    read_picture(path)
    assert seen == []


def test_errors_name_the_file(tmp_path):
    path = tmp_path / "x.dcm"
    path.write_bytes(content(photograph(example()))[:5000])
    with pytest.raises(SourceError, match=f"^{path}: "):
        read_picture(path)
