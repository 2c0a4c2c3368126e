from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from aernet.errors import SourceError
from aernet.masks import decode_mask, looks_inverted

MASKS = Path(__file__).parents[1] / "python/aernet/video/masks"


def encoded(image, **options):
    file = io.BytesIO()
    image.save(file, options.pop("kind", "png"), **options)
    return file.getvalue()


@pytest.fixture(params=sorted(MASKS.glob("*.png")), ids=lambda path: path.stem)
def lesion(request):
    return np.asarray(Image.open(request.param).convert("L"))


def channels(*planes):
    return Image.merge({2: "LA", 4: "RGBA"}[len(planes)], [Image.fromarray(plane) for plane in planes])


def test_a_mask_in_the_alpha_channel_is_read_from_there(lesion):
    black, white, noise = np.zeros_like(lesion), np.full_like(lesion, 255), np.full_like(lesion, 90)
    for image in (
        channels(black, black, black, lesion),
        channels(white, white, white, lesion),
        channels(noise, black, white, lesion),
        channels(black, lesion),
        channels(lesion, lesion, lesion, lesion),
        channels(lesion, black, black, lesion),  # red on nothing
    ):
        np.testing.assert_array_equal(decode_mask(encoded(image), "a"), lesion)
    soft = cv2.GaussianBlur(lesion, (0, 0), 1)
    np.testing.assert_array_equal(
        decode_mask(encoded(channels(black, black, black, soft)), "a"), np.where(soft > 128, 255, 0)
    )


@pytest.mark.parametrize("alpha", [0, 128, 255])
def test_an_alpha_channel_that_says_nothing_is_no_mask(lesion, alpha):
    for image in (
        channels(lesion, lesion, lesion, np.full_like(lesion, alpha)),
        channels(lesion, np.full_like(lesion, alpha)),
    ):
        np.testing.assert_array_equal(decode_mask(encoded(image), "a"), lesion)


def test_colours_and_alpha_that_contradict_one_another_are_refused(lesion):
    with pytest.raises(SourceError, match=r"^a: .* one mask and the alpha channel another"):
        decode_mask(encoded(channels(lesion, lesion, lesion, 255 - lesion)), "a")


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (128, 0, 0)])
@pytest.mark.parametrize("skin", [(0, 0, 0), (255, 255, 255)])
def test_coloured_masks_are_refused(lesion, colour, skin):
    coloured = Image.fromarray(np.where(lesion[..., None] > 0, colour, skin).astype(np.uint8))
    palette = Image.fromarray((lesion > 0).astype(np.uint8)).convert("P")
    palette.putpalette([*skin, *colour])
    red, green, blue = colour
    for image in (coloured, palette, coloured.convert("RGBA")):
        with pytest.raises(SourceError, match=f"^a: .*, such as red {red}, green {green}, blue {blue};"):
            decode_mask(encoded(image), "a")


def test_a_palette_of_grays_is_read_through(lesion):
    palette = Image.frombytes("P", lesion.shape[::-1], np.where(lesion, 0, 1).astype(np.uint8).tobytes())
    palette.putpalette([255, 255, 255, 0, 0, 0])
    np.testing.assert_array_equal(decode_mask(encoded(palette), "a"), lesion)


@pytest.mark.parametrize("value", [1, 2, 128])
def test_values_that_number_classes_are_refused(lesion, value):
    with pytest.raises(SourceError, match=f"^a: .* 255 for lesion, but no value here is above {value}$"):
        decode_mask(encoded(Image.fromarray(np.minimum(lesion, np.uint8(value)))), "a")
    black = np.zeros_like(lesion)
    with pytest.raises(SourceError, match=f"no value here is above {value}$"):
        decode_mask(encoded(channels(black, black, black, np.minimum(lesion, np.uint8(value)))), "a")


def test_a_gray_jpeg_in_colour_is_gray(lesion):
    data = encoded(Image.fromarray(lesion).convert("RGB"), kind="jpeg", quality=90)
    assert np.mean(decode_mask(data, "a") != lesion) < 0.01


def test_inverted_masks_are_known_from_others(lesion):
    assert looks_inverted(255 - lesion)
    assert not looks_inverted(lesion)


def test_a_lesion_larger_than_the_picture_is_not_inverted():
    mask = np.full((60, 80), 255, np.uint8)
    mask[:15, :20] = 0
    assert not looks_inverted(mask)
    assert looks_inverted(255 - cv2.circle(np.zeros_like(mask), (40, 30), 3, 255, -1))


def test_a_full_or_empty_mask_is_not_inverted():
    for value in (0, 255):
        assert not looks_inverted(np.full((4, 5), value, np.uint8))
        assert not looks_inverted(np.full((1, 5), value, np.uint8))
