"""Measurements of masks as DICOM structured reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from aernet._native import __version__
from aernet.exchange.dicom_source import MANUFACTURER, Source, as_file
from aernet.exchange.polygons import polygons
from aernet.measure import measure_mask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aernet.arrays import HostImage

# With 16 bits for the length of an element, it holds 8191 points.
_MOST_POINTS = 8000


def to_dicom_sr(mask: HostImage, source: Path, model: str, version: str) -> bytes:
    """Return the measurements of a mask as a DICOM report of the study and the patient of its photograph.

    The report is a Comprehensive SR of template TID 1500, with a planar region (TID 1410) for each region of
    the mask, the largest first: area, long and short axis, perimeter, and the outer border as a polyline.
    Holes count as skin, though the polyline, which can have none, goes around them.
    Without a Pixel Spacing in the photograph the unit is the pixel; where its two numbers differ by more than
    5 %, the area is given in mm2 and no length at all. The report of an empty mask says that the area is 0.

    Args:
        mask: uint8, H x W, 255 for lesion and 0 for skin; of several frames that of the first.
        source: the DICOM photograph.
        model: the name of the model that made the mask.
        version: the version of the model.

    Raises:
        SourceError: the photograph cannot be read, or lacks what the report needs.
        FrameError: the mask is no such mask, or not of the photograph's size.
        ModuleNotFoundError: the extra `dicom` is not installed.
    """
    from highdicom.sr import (  # noqa: PLC0415
        ComprehensiveSR,
        DeviceObserverIdentifyingAttributes,
        MeasurementReport,
        ObservationContext,
        ObserverContext,
    )
    from pydicom.uid import generate_uid  # noqa: PLC0415

    from aernet.exchange import dicom_codes as codes  # noqa: PLC0415

    photograph = Source(source, mask)
    with photograph.making("a report"):
        device = DeviceObserverIdentifyingAttributes(
            generate_uid(entropy_srcs=[MANUFACTURER, model, version]),
            f"{model} {version}",
            MANUFACTURER,
            model,
        )
        report = MeasurementReport(
            ObservationContext(observer_device_context=ObserverContext(codes.DEVICE, device)),
            procedure_reported=codes.DERMOSCOPY,
            imaging_measurements=[
                _region(region, corner, number, photograph, model, version)
                for number, (region, corner) in enumerate(_regions(mask), 1)
            ]
            or [_nothing(mask, photograph, model, version)],
            title=codes.REPORT,
        )
        return as_file(
            ComprehensiveSR(
                evidence=[photograph.header],
                content=report,
                series_instance_uid=generate_uid(),
                series_number=101,
                sop_instance_uid=generate_uid(),
                instance_number=1,
                manufacturer=MANUFACTURER,
                manufacturer_model_name=model,
                software_versions=f"aernet {__version__}, {model} {version}",
                is_complete=True,
                series_description="Measurements of the lesion",
            )
        )


def _region(
    region: HostImage, corner: tuple[int, int], number: int, photograph: Source, model: str, version: str
) -> Any:
    """Return one of `_regions` as a planar region with its measurements."""
    from highdicom.sr import (  # noqa: PLC0415
        AlgorithmIdentification,
        ImageRegion,
        Measurement,
        PlanarROIMeasurementsAndQualitativeEvaluations,
        SourceImageForRegion,
        TrackingIdentifier,
    )

    from aernet.exchange import dicom_codes as codes  # noqa: PLC0415

    header = photograph.header
    frame = [1] if photograph.has_frames else None
    image = SourceImageForRegion(header.SOPClassUID, header.SOPInstanceUID, frame)
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        TrackingIdentifier(identifier=f"Lesion {number}"),
        referenced_region=ImageRegion("POLYLINE", outline(region) + corner, image),
        finding_type=codes.SKIN_LESION,
        algorithm_id=AlgorithmIdentification(model, version),
        measurements=[Measurement(*row) for row in _measurements(region, photograph.mm_per_pixel)],
    )


def _nothing(mask: HostImage, photograph: Source, model: str, version: str) -> Any:
    """Return the measurements of an empty mask, which has no region: its area is 0."""
    from highdicom.sr import (  # noqa: PLC0415
        AlgorithmIdentification,
        Measurement,
        MeasurementsAndQualitativeEvaluations,
        TrackingIdentifier,
    )

    from aernet.exchange import dicom_codes as codes  # noqa: PLC0415

    return MeasurementsAndQualitativeEvaluations(
        TrackingIdentifier(identifier="No lesion"),
        finding_type=codes.SKIN_LESION,
        algorithm_id=AlgorithmIdentification(model, version),
        measurements=[Measurement(*row) for row in _measurements(mask, photograph.mm_per_pixel)],
    )


def _measurements(mask: HostImage, mm_per_pixel: tuple[float, float] | None) -> Iterator[tuple[Any, ...]]:
    """Yield name, value and unit of each measurement."""
    from aernet.exchange import dicom_codes as codes  # noqa: PLC0415

    measured = measure_mask(mask, mm_per_pixel=mm_per_pixel)
    if mm_per_pixel is None:
        yield codes.AREA, measured.area_px, codes.PIXELS
    else:
        yield codes.AREA, measured.area_mm2 or 0.0, codes.SQUARE_MILLIMETRE
    unit, end = (codes.PIXELS, "px") if mm_per_pixel is None else (codes.MILLIMETRE, "mm")
    for code, name in (
        (codes.LONG_AXIS, "longest_diameter"),
        (codes.SHORT_AXIS, "shortest_diameter"),
        (codes.PERIMETER, "perimeter"),
    ):
        value = getattr(measured, f"{name}_{end}")
        if value is not None:
            yield code, value, unit


def _regions(mask: HostImage) -> Iterator[tuple[HostImage, tuple[int, int]]]:
    """Yield each region of a mask, whose pixels touch each other with a side, the largest first.

    Each is the mask of the region's bounding box, with the x and y of the box's top left corner.
    """
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    areas = statistics[:, cv2.CC_STAT_AREA]
    for label in sorted(range(1, count), key=lambda label: -int(areas[label])):
        x, y, width, height, _ = map(int, statistics[label])
        box = labels[y : y + height, x : x + width]
        yield np.where(box == label, 255, 0).astype(np.uint8), (x, y)


def outline(region: HostImage) -> Any:
    """Return the outer border of a mask of one region as a closed polyline, float, N x 2.

    Its points (x, y) count from the top left corner of the mask (PS3.3, C.18.6.1.2). It runs along the
    sides of pixels, unless that takes more points than an element of DICOM holds.
    """
    ((exterior, _),) = polygons(region)
    border: Any = np.array(exterior, np.int32)
    tolerance = 0.5
    while len(border) >= _MOST_POINTS:
        border = cv2.approxPolyDP(np.array(exterior, np.int32), tolerance, closed=True)[:, 0]
        tolerance *= 2
    return np.concatenate([border, border[:1]]).astype(float)
