"""Masks as DICOM segmentations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from aernet._native import __version__
from aernet.exchange.dicom_source import MANUFACTURER, Source, as_file

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

    from aernet.arrays import HostImage


def to_dicom_seg(
    mask: HostImage,
    source: Path,
    model: str,
    version: str,
    kind: Literal["BINARY", "LABELMAP"] = "BINARY",
) -> bytes:
    """Return a mask as a DICOM segmentation of the study, the patient and the frame of its photograph.

    Its one segment is a skin lesion. Where the photograph states a Pixel Spacing, the segmentation has it
    too; the slice thickness, which has to stand beside it, is the distance of rows and means nothing.

    Args:
        mask: uint8, H x W, 255 for lesion and 0 for skin; of several frames that of the first.
        source: the DICOM photograph.
        model: the name of the model that made the mask.
        version: the version of the model.
        kind: "BINARY", which all programs read that read segmentations, or "LABELMAP", which is newer.

    Raises:
        SourceError: the photograph cannot be read, or lacks what the segmentation needs.
        FrameError: the mask is no such mask, or not of the photograph's size.
        ModuleNotFoundError: the extra `dicom` is not installed.
    """
    from highdicom import AlgorithmIdentificationSequence, PixelMeasuresSequence  # noqa: PLC0415
    from highdicom.seg import Segmentation, SegmentDescription  # noqa: PLC0415
    from pydicom.uid import SecondaryCaptureImageStorage, generate_uid  # noqa: PLC0415

    from aernet.exchange import dicom_codes as codes  # noqa: PLC0415

    photograph = Source(source, mask)
    with photograph.making("a segmentation"):
        header, spacing = photograph.header, photograph.mm_per_pixel
        storage_class = header.SOPClassUID
        if photograph.has_frames:
            # Of several frames highdicom wants positions, which photographs lack; one picture needs none.
            header.SOPClassUID = SecondaryCaptureImageStorage
        algorithm = AlgorithmIdentificationSequence(model, codes.ARTIFICIAL_INTELLIGENCE, version)
        segmentation = Segmentation(
            source_images=[header],
            pixel_array=(mask > 0).astype(np.uint8),
            segmentation_type=kind,
            segment_descriptions=[
                SegmentDescription(1, "Lesion", codes.ABNORMAL, codes.SKIN_LESION, "AUTOMATIC", algorithm)
            ],
            series_instance_uid=generate_uid(),
            series_number=100,
            sop_instance_uid=generate_uid(),
            instance_number=1,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=model,
            software_versions=f"aernet {__version__}, {model} {version}",
            device_serial_number=version,
            content_label="LESION",
            content_description="Found by a program, and not checked by a physician",
            pixel_measures=None if spacing is None else PixelMeasuresSequence(spacing, spacing[0]),
            omit_empty_frames=False,
            series_description="Segmentation of the lesion",
        )
        if photograph.has_frames:
            _refer_to_first_frame(segmentation, storage_class)
        segmentation.PatientOrientation = header.PatientOrientation
        return as_file(segmentation)


def _refer_to_first_frame(segmentation: Dataset, storage_class: str) -> None:
    for element in segmentation.iterall():
        if element.keyword == "ReferencedSOPClassUID":
            element.value = storage_class
    (frame,) = segmentation.PerFrameFunctionalGroupsSequence
    for derivation in frame.DerivationImageSequence:
        derivation.SourceImageSequence[0].ReferencedFrameNumber = 1
