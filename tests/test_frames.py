"""What a user may give as a picture."""

from __future__ import annotations

import io
import re

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from aernet import AernetError, FrameError, Nv12Frame, Segmenter, SourceError

torch = pytest.importorskip("torch")
FORMATS = ("bgr", "rgb")


class Dlpack:
    """DLPack in the host's memory, and nothing else."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **how):
        return self.array.__dlpack__(**how)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@pytest.fixture(scope="module")
def segmenters(model):
    return {colour: Segmenter(model, colour=colour) for colour in ("bgr", "rgb", "nv12")}


@pytest.fixture(scope="module")
def bgr(examples):
    """A real picture, small, with sides that differ."""
    return cv2.resize(cv2.imread(str(examples[0])), (90, 70), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def image(bgr):
    return Image.fromarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def frames_of(segmenter, picture):
    """Return the frame, as BGR, of each way to give one picture."""
    results = [segmenter(picture), segmenter.submit(picture).result(), *segmenter.batch([picture])]
    for result in results[1:]:
        np.testing.assert_array_equal(result.frame, results[0].frame)
        np.testing.assert_array_equal(result.mask, results[0].mask)
    frame = results[0].frame
    assert results[0].colour == segmenter.colour
    return frame[:, :, ::-1] if segmenter.colour == "rgb" else frame


@pytest.mark.parametrize("colour", FORMATS)
def test_a_path(segmenters, tmp_path, bgr, colour):
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), bgr)
    for given in (path, str(path)):
        np.testing.assert_array_equal(frames_of(segmenters[colour], given), bgr)
    with pytest.raises(SourceError, match=r"absent\.png: .*No such file"):
        segmenters[colour](tmp_path / "absent.png")
    with pytest.raises(SourceError, match=r"^'a\\x00b': cannot be read"):
        segmenters[colour]("a\0b")


@pytest.mark.parametrize("colour", FORMATS)
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK", "YCbCr", "HSV", "RGBX"])
def test_a_pil_image_without_alpha_is_what_pil_makes_of_it(segmenters, image, colour, mode):
    given = image.convert(mode)
    expected = np.asarray(given.convert("RGB"))[:, :, ::-1]
    np.testing.assert_array_equal(frames_of(segmenters[colour], given), expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "RGBa", "La", "P"])
def test_what_is_transparent_has_white_behind_it(segmenters, bgr, image, mode):
    alpha = np.full(bgr.shape[:2], 255, np.uint8)
    alpha[:, :40] = 0
    if mode == "P":  # one colour of the palette is the transparent one
        given = Image.fromarray(np.where(alpha > 0, np.uint8(1), np.uint8(0)), mode="P")
        given.putpalette([9, 9, 9, 30, 60, 90])
        given.info["transparency"] = 0
        opaque = np.full_like(bgr, (90, 60, 30))
    elif mode == "PA":
        given = image.quantize(8).convert("PA")
        given.putalpha(Image.fromarray(alpha))
        opaque = np.asarray(image.quantize(8).convert("RGB"))[:, :, ::-1]
    else:
        gray = mode in ("LA", "La")
        given = image.convert("LA" if gray else "RGBA")
        given.putalpha(Image.fromarray(alpha))
        given = given.convert(mode)
        opaque = np.asarray(image.convert("L" if gray else "RGB").convert("RGB"))[:, :, ::-1]
    assert given.mode == mode
    frame = frames_of(segmenters["bgr"], given)
    assert (frame[:, :40] == 255).all()
    np.testing.assert_array_equal(frame[:, 40:], opaque[:, 40:])


def test_half_transparent_is_half_white(segmenters):
    image = Image.new("RGBA", (50, 40), (100, 0, 200, 51))
    image.putpixel((0, 0), (100, 0, 200, 255))
    frame = segmenters["bgr"](image).frame
    expected = [round(255 * 0.8 + part * 0.2) for part in (200, 0, 100)]
    assert np.abs(frame[1:].astype(int) - expected).max() <= 1


def swapped_profile():
    """Return the profile of sRGB with its columns for red and green changed over."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    entries = range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12)
    red, green = (next(at for at in entries if profile[at : at + 4] == tag) + 4 for tag in (b"rXYZ", b"gXYZ"))
    profile[red : red + 8], profile[green : green + 8] = profile[green : green + 8], profile[red : red + 8]
    return bytes(profile)


def test_a_pil_image_has_the_colours_of_its_profile(segmenters, image):
    file = io.BytesIO()
    image.save(file, "PNG", icc_profile=swapped_profile())
    shown = ImageCms.profileToProfile(
        image, ImageCms.ImageCmsProfile(io.BytesIO(swapped_profile())), ImageCms.createProfile("sRGB")
    )
    frame = segmenters["bgr"](Image.open(file)).frame
    assert np.abs(frame.astype(int) - np.asarray(shown)[:, :, ::-1]).max() <= 1
    assert np.abs(frame.astype(int) - np.asarray(image)[:, :, ::-1]).mean() > 10


def test_an_alpha_that_is_the_same_everywhere_is_no_background(segmenters, bgr, image):
    given = image.copy()
    given.putalpha(128)
    np.testing.assert_array_equal(frames_of(segmenters["bgr"], given), bgr)
    given.putalpha(0)
    with pytest.raises(SourceError, match=r"^frame: every pixel is transparent \(alpha 0\)"):
        segmenters["bgr"](given)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_pil_image_is_turned_as_opencv_turns_its_file(segmenters, image, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif, quality=95)
    expected = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    frame = segmenters["bgr"](Image.open(file)).frame
    assert frame.shape == expected.shape
    assert np.abs(frame.astype(int) - expected).max() <= 4  # another decoder


@pytest.mark.parametrize("mode", ["I", "F", "I;16"])
def test_a_deep_pil_image_is_refused(segmenters, mode):
    with pytest.raises(FrameError, match=f"^frame: expected 8 bits a channel, found .* mode '{mode}'"):
        segmenters["bgr"](Image.new(mode, (50, 40)))


def test_a_pil_image_that_is_cut_short_is_refused(segmenters, image):
    file = io.BytesIO()
    image.save(file, "PNG")
    cut = Image.open(io.BytesIO(file.getvalue()[: len(file.getvalue()) // 2]))
    with pytest.raises(FrameError, match=r"^frame: the PIL image of mode 'RGB' cannot be read \("):
        segmenters["bgr"](cut)


def test_nv12_comes_from_no_file_or_pil_image(segmenters, tmp_path, bgr, image):
    cv2.imwrite(str(tmp_path / "picture.png"), bgr)
    for given in (tmp_path / "picture.png", image):
        with pytest.raises(FrameError, match="expected NV12, found a picture file or PIL image; make"):
            segmenters["nv12"](given)
    with pytest.raises(FrameError, match=r"^frame: expected uint8, NV12, .* found float32, 60 x 80; scale"):
        segmenters["nv12"](np.zeros((60, 80), np.float32))


@pytest.mark.parametrize("wrap", [torch.from_numpy, Dlpack, memoryview], ids=["torch", "dlpack", "none"])
def test_arrays_of_other_libraries_are_not_copied(segmenters, bgr, wrap):
    if wrap is memoryview:
        with pytest.raises(FrameError, match="found memoryview; decode them"):
            segmenters["bgr"](wrap(bgr))
        return
    result = segmenters["bgr"](wrap(bgr))
    assert np.shares_memory(result.frame, bgr)
    np.testing.assert_array_equal(result.mask, segmenters["bgr"](bgr).mask)
    (several,) = segmenters["bgr"].batch([wrap(bgr)])
    np.testing.assert_array_equal(several.mask, result.mask)


def test_a_batch_may_be_one_tensor(segmenters, bgr):
    upright, upside_down = segmenters["bgr"].batch(torch.from_numpy(np.stack([bgr, bgr[::-1]])))
    np.testing.assert_array_equal(upright.frame, bgr)
    np.testing.assert_array_equal(upside_down.frame, bgr[::-1])


@pytest.mark.parametrize("layout", ["read-only", "Fortran", "strided", "reversed", "memmap", "unmasked"])
def test_any_layout_in_memory(segmenters, bgr, tmp_path, layout):
    given = {
        "read-only": bgr.copy(),
        "Fortran": np.asfortranarray(bgr),
        "strided": np.repeat(np.repeat(bgr, 2, 0), 3, 1)[::2, ::3],
        "reversed": bgr[::-1].copy()[::-1],
        "memmap": np.memmap(tmp_path / "raw", np.uint8, "w+", shape=bgr.shape),
        "unmasked": np.ma.masked_array(bgr.copy()),
    }[layout]
    given[...] = bgr
    given.flags.writeable = layout != "read-only"
    result = segmenters["bgr"](given)
    np.testing.assert_array_equal(result.mask, segmenters["bgr"](bgr).mask)
    np.testing.assert_array_equal(result.overlay(), segmenters["bgr"](bgr).overlay())


SCALE = "scale its values to 0 to 255 and convert it to uint8"
REFUSED = {
    "float": (lambda bgr: bgr / 255, f"found float64, 70 x 90 x 3; {SCALE}$"),
    "bool": (lambda bgr: bgr > 100, f"found bool, 70 x 90 x 3; {SCALE}$"),
    "big-endian": (lambda bgr: bgr.astype(">u2"), f"found >u2, 70 x 90 x 3; {SCALE}$"),
    "object": (lambda bgr: bgr.astype(object), f"found object, 70 x 90 x 3; {SCALE}$"),
    "masked": (lambda bgr: np.ma.masked_less(bgr, 200), r"found a masked array; fill it"),
    "CHW": (lambda bgr: bgr.transpose(2, 0, 1), "found uint8, 3 x 70 x 90; move its channels to the end$"),
    "tensor": (
        lambda bgr: torch.from_numpy(bgr).permute(2, 0, 1) / 255,
        f"found float32, 3 x 70 x 90; {SCALE}, and move its channels to the end$",
    ),
    "half": (lambda bgr: torch.from_numpy(bgr).bfloat16(), r"but the Tensor gives no array \(.*BFloat16\)$"),
    "no data": (lambda _: torch.zeros(4, 4, 3, device="meta"), r"but the Tensor gives no array \(.*meta"),
    "batch": (lambda bgr: bgr[None], "found uint8, 1 x 70 x 90 x 3; give several frames to `batch`$"),
    "channels": (lambda bgr: bgr[:, :, :2], "found uint8, 70 x 90 x 2; give it 1, 3 or 4 channels$"),
    "None": (lambda _: None, r"found None, as cv2\.imread returns for a file that it cannot read; check its"),
    "list": (lambda bgr: [bgr], "found list; give several frames to `batch`, and those of a video to `str"),
    "tuple": (lambda bgr: (True, bgr), "found tuple; give several"),
    "generator": (lambda bgr: (one for one in [bgr]), "found generator; give several"),
    "capture": (lambda _: cv2.VideoCapture(), "found VideoCapture; give it to `stream`$"),
    "bytes": (lambda bgr: bgr.tobytes(), r"found bytes; decode them, as cv2\.imdecode does$"),
    "number": (lambda _: 3, "found int$"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_frame_is_refused_in_one_sentence(segmenters, bgr, kind):
    make, reason = REFUSED[kind]
    for call in (segmenters["bgr"], segmenters["bgr"].submit):
        with pytest.raises(FrameError, match=f"^frame: expected .*{reason}") as error:
            call(make(bgr))
        assert "\n" not in str(error.value)
    with pytest.raises(FrameError, match=rf"^frames\[1\]: frame: expected .*{reason}"):
        segmenters["bgr"].batch([bgr, make(bgr)])


@pytest.mark.parametrize(
    "make",
    [
        np.asarray,
        torch.from_numpy,
        Image.fromarray,
        lambda _: Nv12Frame(np.zeros((4, 4), np.uint8), np.zeros((2, 4), np.uint8)),
        lambda _: "picture.png",
        lambda _: b"picture.png",
        lambda _: None,
        lambda _: cv2.VideoCapture(),
    ],
)
def test_one_frame_is_no_batch(segmenters, bgr, make):
    given = make(bgr)
    reason = re.escape(f"batch takes several frames, found one {type(given).__name__}; for one frame call")
    with pytest.raises(FrameError, match=f"^{reason}"):
        segmenters["bgr"].batch(given)


def test_a_closed_segmenter_says_so_first(model):
    segmenter = Segmenter(model)
    segmenter.close()
    for call in (segmenter, segmenter.submit, lambda picture: segmenter.batch([picture])):
        with pytest.raises(AernetError, match="is closed"):
            call("absent.png")
