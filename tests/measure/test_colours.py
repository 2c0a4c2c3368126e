"""The C: CIELAB with the white D50, and which of the six colours a pixel has."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from measure.shapes import ellipse
from PIL import Image, ImageCms

from aernet.measure import measure_mask
from aernet.measure.colours import six_colours
from aernet.measure.lab import to_lab_d50

NAMES = ("dark_brown", "light_brown", "black", "red", "white", "blue_grey")


def lab_of(*bgr):
    return to_lab_d50(np.array(bgr, np.uint8).reshape(1, 1, 3)).ravel()


def colour(lightness, a, b, lightest_skin=75.0):
    """The name of the one colour that a lesion of a single CIELAB colour has."""
    found = six_colours(np.array([[lightness, a, b]], np.float32), lightest_skin)
    names = [name for name in NAMES if getattr(found, name)]
    assert len(names) <= 1
    return names[0] if names else None


class TestLab:
    def test_is_what_littlecms_computes(self):
        """Pillow's CIELAB has the white D50 and 8 bits."""
        pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        transform = ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
        )
        image = ImageCms.applyTransform(Image.fromarray(pixels[..., ::-1].copy()), transform)
        lab = np.asarray(image).astype(np.float64)
        lightness, a, b = lab[..., 0] * (100 / 255), lab[..., 1], lab[..., 2]
        # Pillow keeps a and b as signed bytes.
        a, b = (np.where(channel > 127, channel - 256, channel) for channel in (a, b))
        expected = np.stack([lightness, a, b], axis=-1)
        clear = np.all(np.abs(expected) < 127, axis=-1)
        assert np.abs(to_lab_d50(pixels)[clear] - expected[clear]).max() < 1

    def test_gray_has_no_chroma(self):
        grays = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
        lab = to_lab_d50(grays)
        assert np.abs(lab[..., 1:]).max() < 2e-3
        assert lab[0, 0, 0] == pytest.approx(0, abs=1e-4)
        assert lab[255, 0, 0] == pytest.approx(100, abs=1e-3)

    @pytest.mark.parametrize(
        ("bgr", "published"),
        [
            ((0, 0, 255), (54.29, 80.81, 69.89)),
            ((255, 255, 255), (100, 0, 0)),
            ((139, 134, 0), (50.28, -30.14, -11.96)),
        ],
    )
    def test_the_references_are_colours_of_srgb(self, bgr, published):
        assert lab_of(*bgr) == pytest.approx(published, abs=0.05)


class TestPrecedence:
    @pytest.mark.parametrize(
        ("lab", "name"),
        [
            ((30, 15, 15), "dark_brown"),  # in black's box too
            ((14, 10, 10), "black"),
            ((30, 3, 3), "black"),  # nearer than 50 to blue-grey too
            ((60, 25, 40), "light_brown"),
            ((47.7, 25, 40), None),  # between the two browns, and far from all references
            ((50, 70, 60), "red"),
            ((50, -10, -12), "blue_grey"),
            ((90, 3, 5), "white"),
            ((70, 15, 17), None),  # skin: nearer than 50 to white, but not lighter than the skin around
            ((10, -60, 80), None),
        ],
    )
    def test_of_single_colours(self, lab, name):
        assert colour(*lab) == name

    @pytest.mark.parametrize(
        ("name", "within", "low", "high"),
        [
            ("dark_brown", (30, 15, 25), (14.32, 6.85, 6.96), (47.57, 27.14, 46.81)),
            ("light_brown", (60, 25, 40), (47.94, 11.89, 19.86), (71.65, 44.81, 64.78)),
            ("black", (20, 3.5, 5), (0.06, 0.27, 0.10), (39.91, 30.23, 22.10)),
        ],
    )
    def test_browns_and_black_are_the_published_boxes(self, name, within, low, high):
        for axis in range(3):
            for bound, outwards in ((low[axis], -0.05), (high[axis], 0.05)):
                lab = np.array(within, float)
                lab[axis] = bound - outwards
                assert colour(*lab) == name
                lab[axis] = bound + outwards
                assert colour(*lab) != name

    def test_white_is_lighter_than_the_skin_around(self):
        assert colour(80, 8, 10, lightest_skin=79) == "white"
        assert colour(80, 8, 10, lightest_skin=81) is None

    def test_without_skin_white_is_not_known(self):
        found = six_colours(np.array([[90, 3, 5], [30, 15, 15]], np.float32), None)
        assert found.white is None
        assert found.count is None
        assert found.dark_brown == 0.5

    def test_a_colour_is_present_above_five_percent(self):
        lesion = np.array([[30, 15, 15]] * 95 + [[30, 3, 3]] * 5, np.float32)
        assert six_colours(lesion, 75).count == 1
        lesion[94] = (30, 3, 3)
        assert six_colours(lesion, 75).count == 2

    def test_distances_are_minkowski_of_order_three(self):
        """(65, -10, 20) from blue-grey: 14.7, 20.1 and 32, of order 3 the distance 35.1; from white 41.4."""
        assert colour(65, -10, 20) == "blue_grey"
        offsets = np.array([30.0, 42.0, 30.0])
        limit = 50 / np.cbrt(np.sum(offsets**3))
        for name, reference in (("red", [54.29, 80.81, 69.89]), ("blue_grey", [50.28, -30.14, -11.96])):
            for factor, found in ((0.99, name), (1.01, None)):
                assert colour(*(np.array(reference) - offsets * limit * factor)) == found


class TestSurroundings:
    def test_lesion_and_skin_of_one_colour_each(self):
        mask = np.pad(ellipse(400, 300, 20), 100)
        picture = np.where(mask[..., None] > 0, np.uint8([40, 60, 90]), np.uint8([150, 170, 215]))
        measured = measure_mask(mask, picture)
        assert measured.lesion_lab == pytest.approx(lab_of(40, 60, 90), abs=0.5)
        assert measured.skin_lab == pytest.approx(lab_of(150, 170, 215), abs=0.01)
        assert measured.skin_lab_spread == pytest.approx((0, 0, 0), abs=0.01)
        apart = np.linalg.norm(lab_of(40, 60, 90) - lab_of(150, 170, 215))
        assert measured.contrast_delta_e == pytest.approx(apart, abs=0.5)
        assert measured.colour_count == 1
        assert measured.dark_brown_fraction > 0.98

    def test_the_spread_is_the_standard_deviation(self):
        mask = np.pad(ellipse(200, 200), 60)
        picture = np.full((*mask.shape, 3), (190, 195, 200), np.uint8)
        picture[: mask.shape[0] // 2][mask[: mask.shape[0] // 2] > 0] = 60
        picture[mask.shape[0] // 2 :][mask[mask.shape[0] // 2 :] > 0] = 120
        measured = measure_mask(mask, picture)
        half = (lab_of(120, 120, 120)[0] - lab_of(60, 60, 60)[0]) / 2
        assert measured.lesion_lab_spread[0] == pytest.approx(half, rel=0.01)

    def test_the_rim_of_a_dermatoscope_is_no_skin(self):
        mask = np.pad(ellipse(200, 200), 60)
        picture = np.full((*mask.shape, 3), (150, 170, 215), np.uint8)
        picture[mask > 0] = (40, 60, 90)
        seen = np.zeros_like(mask)
        cv2.circle(seen, (mask.shape[1] // 2, mask.shape[0] // 2), 140, 255, -1)
        picture[seen == 0] = 5
        measured = measure_mask(mask, picture)
        assert measured.skin_lab == pytest.approx(lab_of(150, 170, 215), abs=0.01)

    @pytest.mark.parametrize(("level", "white"), [(205, False), (235, True)])
    def test_white_is_a_standard_deviation_lighter_than_the_skin(self, level, white):
        """The skin's two grays have the L* 76.9 and 84.2: the mean is 80.6 and the deviation 3.6."""
        mask = np.pad(ellipse(200, 200), 60)
        middle = mask.shape[1] // 2
        picture = np.full((*mask.shape, 3), 190, np.uint8)
        picture[:, middle:] = 210
        picture[mask > 0] = (40, 60, 90)
        upper = np.where(np.arange(mask.shape[0])[:, None] < mask.shape[0] // 2, mask, 0)
        picture[upper > 0] = level
        assert measure_mask(mask, picture).white_fraction == pytest.approx(0.5 if white else 0, abs=0.03)

    def test_a_lesion_that_fills_the_frame_has_no_skin_around(self):
        mask = np.full((90, 120), 255, np.uint8)
        measured = measure_mask(mask, np.full((90, 120, 3), (40, 60, 90), np.uint8))
        assert measured.skin_lab is None
        assert measured.contrast_delta_e is None
        assert measured.white_fraction is None
        assert measured.colour_count is None
        assert measured.abrupt_eighths is None
        assert measured.edge_delta_e == (None,) * 8
        assert measured.dark_brown_fraction == 1
