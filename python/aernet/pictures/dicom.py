"""DICOM photographs, decoded by pydicom, which the extra `dicom` brings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from aernet.pictures.codestream import require_whole_codestream
from aernet.pictures.dicom_header import damaged, quiet_pydicom, read_dicom
from aernet.pictures.dicom_values import eight_bits, through_window
from aernet.pictures.jpeg import decode_jpeg
from aernet.pictures.raster import Raster, Unusable, require_size

if TYPE_CHECKING:
    from pydicom import Dataset

_COLOURS = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}
_GRAYS = {"MONOCHROME1", "MONOCHROME2"}
_PALETTE = "PALETTE COLOR"

_JPEG = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"}
_LOSSLESS_JPEG = {"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"}
_JPEG_LS = {"1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"}

# The frame header of a lossless JPEG or a JPEG-LS: length, precision, lines, samples of a line; and the
# segment SIZ of a JPEG 2000: length, capabilities, width, height.
_JPEG_SIZE = re.compile(rb"\xff[\xc3\xf7]...(?P<rows>..)(?P<columns>..)", re.DOTALL)
_JPEG2000_SIZE = re.compile(rb"\xff\x4f\xff\x51....(?P<columns>....)(?P<rows>....)", re.DOTALL)


def decode_dicom(data: bytes) -> Raster:
    """Decode the first frame of a DICOM photograph; docs/dicom.md says what is read.

    Raises:
        Unusable: the extra is not installed, or the file is damaged, cut short, absurdly large, no
            photograph, or of a kind of pixels that is not decoded.
    """
    dataset = read_dicom(data)
    with quiet_pydicom():
        try:
            _require_readable(dataset)
            frames = int(dataset.get("NumberOfFrames") or 1)
            pixels = _as_shown(_samples(dataset, frames), dataset)
        except Unusable:
            raise
        except Exception as error:  # noqa: BLE001 - decoders raise anything on damaged data
            raise damaged(error) from None
    return Raster(
        np.ascontiguousarray(pixels if pixels.ndim == 2 else pixels[..., ::-1]),
        "gray" if pixels.ndim == 2 else "bgr",
        profile=bytes(dataset.get("ICCProfile") or b"") or None,
        first_of=f"{frames} frames" if frames > 1 else "",
    )


def _require_readable(dataset: Dataset) -> None:
    from pydicom.pixels.decoders.base import get_decoder  # noqa: PLC0415 - the extra `dicom`
    from pydicom.uid import UID  # noqa: PLC0415

    if not dataset.get("PixelData"):
        raise Unusable("the DICOM file has no pixels, or is cut short before them; copy the file again")
    require_size(int(dataset.get("Columns") or 0), int(dataset.get("Rows") or 0))
    interpretation = str(dataset.get("PhotometricInterpretation", "not stated"))
    if interpretation not in _COLOURS | _GRAYS | {_PALETTE}:
        raise Unusable(
            f"its photometric interpretation ({interpretation}) is not read here; export it as RGB"
        )
    syntax = UID(dataset.file_meta.get("TransferSyntaxUID", ""))
    try:
        is_decoded = syntax in _LOSSLESS_JPEG or get_decoder(syntax).is_available
    except NotImplementedError:
        is_decoded = False
    if not is_decoded:
        raise Unusable(
            f"its transfer syntax ({syntax.name or 'not stated'}) is not read here;"
            " export it uncompressed, or as JPEG or JPEG 2000"
        )


def _samples(dataset: Dataset, frames: int) -> Any:
    """Return the first frame as it is stored, H x W or H x W x 3, colours in RGB instead of YBR."""
    from pydicom.encaps import get_frame  # noqa: PLC0415 - the extra `dicom`
    from pydicom.pixels.utils import pixel_array  # noqa: PLC0415

    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        return pixel_array(dataset, index=0)
    frame = get_frame(dataset.PixelData, 0, number_of_frames=frames)
    if syntax in _JPEG:
        decode_jpeg(frame)  # only for libjpeg's warnings, which Pillow keeps from pydicom
    header = _JPEG_SIZE if syntax in _LOSSLESS_JPEG | _JPEG_LS else _JPEG2000_SIZE
    if stated := header.search(frame, 0, 65536):
        require_size(*(int.from_bytes(stated[side], "big") for side in ("columns", "rows")))
        if header is _JPEG2000_SIZE:
            require_whole_codestream(frame[stated.start() :])
    return _lossless(frame, dataset) if syntax in _LOSSLESS_JPEG else pixel_array(dataset, index=0)


def _lossless(frame: bytes, dataset: Dataset) -> Any:
    """Decode a lossless JPEG by libjpeg-turbo, which does not touch its colours."""
    import simplejpeg  # noqa: PLC0415 - importing aernet does without
    from pydicom.pixels.processing import convert_color_space  # noqa: PLC0415

    if dataset.SamplesPerPixel == 1:
        return simplejpeg.decode_jpeg(frame, "GRAY")[..., 0]
    pixels = simplejpeg.decode_jpeg(frame, "RGB")
    is_rgb = dataset.PhotometricInterpretation == "RGB"
    return pixels if is_rgb else convert_color_space(pixels, "YBR_FULL", "RGB")


def _as_shown(samples: Any, dataset: Dataset) -> Any:
    """Return samples as uint8, H x W (gray) or H x W x 3 (RGB)."""
    from pydicom.pixels.processing import apply_color_lut  # noqa: PLC0415 - the extra `dicom`

    interpretation = dataset.PhotometricInterpretation
    if samples.shape[:2] != (dataset.Rows, dataset.Columns):
        raise Unusable(
            f"expected {dataset.Columns} x {dataset.Rows} pixels as its header says,"
            f" found {samples.shape[1]} x {samples.shape[0]}; export it anew"
        )
    if interpretation == _PALETTE:
        colours = apply_color_lut(samples, dataset)[..., :3]
        return eight_bits(colours, int(dataset.RedPaletteColorLookupTableDescriptor[2]))
    if interpretation in _COLOURS:
        return eight_bits(samples, int(dataset.BitsStored))
    gray = through_window(samples, dataset)
    return 255 - gray if interpretation == "MONOCHROME1" else gray
