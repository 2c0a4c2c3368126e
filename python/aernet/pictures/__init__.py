"""Picture files: each is decoded rightly or refused by its name."""

from aernet.pictures.decode import decode_picture, decode_raster, picture_of_image, read_picture
from aernet.pictures.dicom_spacing import mm_per_pixel_in, mm_per_pixel_of
from aernet.pictures.suffixes import PICTURE_SUFFIXES, example_pictures
from aernet.pictures.write import write_png

__all__ = [
    "PICTURE_SUFFIXES",
    "decode_picture",
    "decode_raster",
    "example_pictures",
    "mm_per_pixel_in",
    "mm_per_pixel_of",
    "picture_of_image",
    "read_picture",
    "write_png",
]
