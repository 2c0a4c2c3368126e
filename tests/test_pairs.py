from __future__ import annotations

import io
import pickle
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from aernet.errors import SourceError
from aernet.pairs import find_ids, find_official, find_pairs, read_column, read_split

EXAMPLES = Path(__file__).parents[1] / "examples"
MASKS = Path(__file__).parents[1] / "python/aernet/video/masks"


def png(array):
    return cv2.imencode(".png", array)[1].tobytes()


PICTURE = png(np.full((4, 6, 3), 90, np.uint8))
MASK = png(np.full((4, 6), 255, np.uint8))


def write(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def official_zip(tmp_path):
    """A zip file with both official folders, and what such files hold beside the pairs."""
    files = {
        f"ISIC2018_Task1-2_Training_Input/{path.name}": path.read_bytes() for path in EXAMPLES.glob("*.jpg")
    }
    files |= {
        f"ISIC2018_Task1_Training_GroundTruth/{path.name}": path.read_bytes() for path in MASKS.glob("*.png")
    }
    files |= {
        "ISIC2018_Task1-2_Training_Input/ATTRIBUTION.txt": b"ISIC",
        "ISIC2018_Task1_Training_GroundTruth/LICENSE.txt": b"CC-0",
        "ISIC2018_Task1-2_Training_Input/ISIC_0000495_superpixels.png": PICTURE,
        "__MACOSX/ISIC2018_Task1-2_Training_Input/._ISIC_0000495.jpg": b"\0",
    }
    return zipped(tmp_path / "official.zip", files)


def test_a_zip_file_gives_the_same_pairs_as_the_folders(official_zip):
    from_folders = find_pairs(EXAMPLES, MASKS)
    from_zip = find_pairs(official_zip, official_zip)
    assert [pair.image_id for pair in from_folders] == sorted(path.stem for path in EXAMPLES.glob("*.jpg"))
    assert [pair.image_id for pair in from_zip] == [pair.image_id for pair in from_folders]
    for ours, theirs in zip(from_zip, from_folders, strict=True):
        picture = cv2.imread(str(EXAMPLES / f"{ours.image_id}.jpg"))
        mask = cv2.imread(str(MASKS / f"{ours.image_id}_segmentation.png"), cv2.IMREAD_GRAYSCALE)
        for pair in (ours, theirs):
            np.testing.assert_array_equal(pair.image(), picture)
            np.testing.assert_array_equal(pair.mask(), mask)


def test_a_zip_file_is_read_from_many_threads_and_after_pickling(official_zip):
    pairs = pickle.loads(pickle.dumps(find_pairs(official_zip, official_zip))) * 20
    with ThreadPoolExecutor(8) as pool:
        areas = list(pool.map(lambda pair: int(np.count_nonzero(pair.mask())), pairs))
    expected = [
        int(np.count_nonzero(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))) for path in sorted(MASKS.glob("*"))
    ]
    assert areas == expected * 20


def test_the_naming_of_2016_and_2017_is_accepted(tmp_path):
    folder = write(tmp_path, {"ISIC_1.jpg": PICTURE, "ISIC_1_Segmentation.png": MASK})
    assert [pair.image_id for pair in find_pairs(folder, folder)] == ["ISIC_1"]


def test_masks_may_be_called_as_their_pictures(tmp_path):
    write(tmp_path / "pictures", {"a.jpg": b"", "b.jpg": b"", "b_superpixels.png": b""})
    write(tmp_path / "masks", {"a.png": b"", "b.png": b""})
    pairs = find_pairs(tmp_path / "pictures", tmp_path / "masks", mask_ending="")
    assert [pair.image_id for pair in pairs] == ["a", "b"]


@pytest.mark.parametrize("mode", ["L", "P", "1"])
def test_every_kind_of_png_mask_is_read_as_gray(tmp_path, mode):
    lesion = np.zeros((8, 9), bool)
    lesion[2:5, 3:7] = True
    file = io.BytesIO()
    if mode == "P":
        picture = Image.frombytes("P", (9, 8), np.where(lesion, 0, 1).astype(np.uint8).tobytes())
        picture.putpalette([255, 255, 255, 0, 0, 0])  # as in HAM10000, where 0 is lesion
        picture.save(file, "png")
    else:
        Image.fromarray(np.where(lesion, 255, 0).astype(np.uint8)).convert(mode).save(file, "png")
    folder = write(tmp_path, {"a.png": PICTURE, "a_segmentation.png": file.getvalue()})
    np.testing.assert_array_equal(find_pairs(folder, folder)[0].mask(), np.where(lesion, 255, 0))


def test_lesion_is_above_128_as_in_the_official_scorer(tmp_path):
    gray = np.repeat(np.array([0, 127, 128, 129, 255], np.uint8), [20, 1, 1, 1, 20])[None]
    folder = write(tmp_path, {"a.png": PICTURE, "a_segmentation.png": png(gray)})
    mask = find_pairs(folder, folder)[0].mask()
    assert mask.dtype == np.uint8
    assert mask.tolist() == [[0] * 22 + [255] * 21]


@pytest.mark.parametrize("name", [path.name for path in sorted(MASKS.glob("*.png"))])
def test_gray_levels_are_tolerated_along_the_edge(tmp_path, name):
    truth = cv2.imread(str(MASKS / name), cv2.IMREAD_GRAYSCALE)
    small = cv2.resize(truth, (128, 96), interpolation=cv2.INTER_AREA)
    jpeg = cv2.imdecode(cv2.imencode(".jpg", truth, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_GRAYSCALE)
    for gray in (small, jpeg):
        assert len(np.unique(gray)) > 20
        folder = write(tmp_path, {"a.png": PICTURE, "a_segmentation.png": png(gray)})
        mask = find_pairs(folder, folder)[0].mask()
        np.testing.assert_array_equal(mask, np.where(gray > 128, 255, 0))


@pytest.mark.parametrize("source", ["a photograph", "a map of probabilities"])
def test_gray_levels_all_over_a_mask_are_refused(tmp_path, source):
    if source == "a photograph":
        gray = cv2.imread(str(EXAMPLES / "ISIC_0000495.jpg"), cv2.IMREAD_GRAYSCALE)
    else:
        gray = cv2.GaussianBlur(cv2.imread(str(MASKS / "ISIC_0000495_segmentation.png"), 0), (0, 0), 30)
    folder = write(tmp_path, {"a.png": PICTURE, "a_segmentation.png": png(gray)})
    with pytest.raises(SourceError, match=r"^[^\n]*a_segmentation\.png: .* \d+% of the pixels here are gray"):
        find_pairs(folder, folder)[0].mask()


def test_a_pair_is_read_together_and_its_sizes_must_agree(tmp_path):
    folder = write(tmp_path, {"a.png": PICTURE, "a_segmentation.png": MASK, "b.png": PICTURE})
    write(folder, {"b_segmentation.png": png(np.zeros((6, 4), np.uint8))})
    good, bad = find_pairs(folder, folder)
    image, mask = good.read()
    assert (image.shape, mask.shape) == ((4, 6, 3), (4, 6))
    with pytest.raises(
        SourceError, match=r"^b: the picture has 6 x 4 pixels, its mask 4 x 6; both must be of"
    ):
        bad.read()


def test_what_does_not_pair_is_listed(tmp_path):
    folder = write(tmp_path, {"a.png": PICTURE, "a_segmentation.png": MASK, "b.png": PICTURE})
    write(folder, {"c_segmentation.png": MASK})
    assert find_ids(folder, folder) == ({"a", "b"}, {"a", "c"})


def test_an_official_folder_is_found_as_such_and_in_a_zip_file(tmp_path):
    assert find_official(tmp_path, "Input") is None
    (tmp_path / "._some.zip").write_bytes(b"of macOS")
    zipped(tmp_path / "other.zip", {"Inputs/a.png": PICTURE})
    path = zipped(tmp_path / "some.zip", {"Input/a.png": PICTURE})
    assert find_official(tmp_path, "Input") == path
    first = path.rename(tmp_path / "(1) some.zip")
    assert find_official(tmp_path, "Input") == first
    (tmp_path / "Input").mkdir()
    assert find_official(tmp_path, "Input") == tmp_path / "Input"


@pytest.mark.parametrize("kept", [2, 0.5, 0.95])
def test_a_broken_zip_file_beside_the_others_is_named(tmp_path, kept):
    zipped(tmp_path / "a.zip", {"Input/a.png": PICTURE})
    data = zipped(tmp_path / "b.zip", {"Inputs/a.png": PICTURE}).read_bytes()
    (tmp_path / "b.zip").write_bytes(data[: kept if kept == 2 else int(kept * len(data))])
    for name in ("Input", "Other"):
        with pytest.raises(SourceError, match=r"b\.zip: not a whole zip file"):
            find_official(tmp_path, name)


def test_a_mask_of_zeros_and_ones_is_refused_instead_of_read_as_empty(tmp_path):
    folder = write(tmp_path, {"a.png": PICTURE, "a_segmentation.png": png(np.eye(3, dtype=np.uint8))})
    with pytest.raises(SourceError, match=r"a_segmentation\.png: .* 255 for lesion, but no value .* above 1"):
        find_pairs(folder, folder)[0].mask()


@pytest.mark.parametrize("data", [b"", b"no picture", MASK[:40]], ids=["empty", "text", "cut short"])
def test_an_unreadable_mask_or_picture_is_named(tmp_path, data):
    folder = write(tmp_path, {"a.png": data, "a_segmentation.png": data})
    pair = find_pairs(folder, folder)[0]
    with pytest.raises(SourceError, match=r"a\.png"):
        pair.image()
    with pytest.raises(SourceError, match=r"a_segmentation\.png"):
        pair.mask()


def test_a_damaged_entry_of_a_zip_file_is_named(tmp_path):
    path = zipped(tmp_path / "pairs.zip", {"a.png": PICTURE, "a_segmentation.png": MASK})
    data = bytearray(path.read_bytes())
    data[data.index(PICTURE) + 20] ^= 0xFF
    path.write_bytes(data)
    pair = find_pairs(path, path)[0]
    with pytest.raises(SourceError, match=r"pairs\.zip/a\.png: cannot be read"):
        pair.image()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"notes.txt": b""}, "holds no picture"),
        ({"a.png": PICTURE}, r"holds no mask named <picture>_segmentation\.png"),
        (
            {f"{name}.png": PICTURE for name in "abcde"} | {"a_segmentation.png": MASK},
            r"no mask .* for 4 of 5 images: b, c, d, \.\.\.$",
        ),
        (
            {f"{name}.png": PICTURE for name in "abcd"} | {"a_segmentation.png": MASK},
            r"no mask .* for 3 of 4 images: b, c, d$",
        ),
        ({"a.png": PICTURE, "a_segmentation.jpg": MASK}, r"holds no mask named <picture>_segmentation\.png"),
        (
            {"a.png": PICTURE, "a_segmentation.png": MASK, "b_segmentation.png": MASK},
            "no picture in .* for 1 of 2 images: b$",
        ),
        ({"x/a.png": PICTURE, "y/a.jpg": PICTURE}, r"two files for a: x/a\.png and y/a\.jpg"),
    ],
)
@pytest.mark.parametrize("pack", [write, lambda folder, files: zipped(folder / "pairs.zip", files)])
def test_what_does_not_pair_is_named(tmp_path, files, message, pack):
    source = pack(tmp_path, files)
    with pytest.raises(SourceError, match=message):
        find_pairs(source, source)


def test_only_the_wanted_images_must_pair(tmp_path):
    files = {"a.png": PICTURE, "b.png": PICTURE, "a_segmentation.png": MASK, "c_segmentation.png": MASK}
    folder = write(tmp_path, files)
    assert [pair.image_id for pair in find_pairs(folder, folder, {"a"})] == ["a"]
    with pytest.raises(SourceError, match=r"no picture in .* for 1 of 2 images: c"):
        find_pairs(folder, folder, {"a", "c"})


def test_what_is_neither_folder_nor_zip_file_is_named(tmp_path):
    with pytest.raises(SourceError, match="nowhere: no such folder or zip file"):
        find_pairs(tmp_path / "nowhere", tmp_path)
    (tmp_path / "half.zip").write_bytes(b"PK\3\4")
    with pytest.raises(SourceError, match=r"half\.zip: not a whole zip file"):
        find_pairs(tmp_path / "half.zip", tmp_path)


def test_a_subset_of_the_table_is_read(tmp_path):
    table = tmp_path / "split.csv"
    table.write_text("image_id,subset,licence\na,train,x\nb,test,x\nc,test,x\n", encoding="utf-8-sig")
    assert read_split(table, "test") == {"b", "c"}
    assert read_column(table, "subset") == {"a": "train", "b": "test", "c": "test"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image_id,subset\na,train\nb,val\n", "no subset 'test'; the subsets are train, val"),
        ("image_id,fold\na,test\n", "no column 'subset'; the columns are image_id, fold"),
        ("", "no column 'image_id'; the columns are none"),
        ("image_id,subset\n", "no subset 'test'; the subsets are none"),
        ("image_id,subset\na,test\na,train\n", "a is listed twice"),
        ("image_id,subset\na,test\nb\n", r"split\.csv: the row 'b' has too few columns for subset"),
    ],
)
def test_a_table_that_is_no_split_is_refused(tmp_path, text, message):
    table = tmp_path / "split.csv"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        read_split(table, "test")


def test_an_unreadable_table_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"none\.csv: cannot be read"):
        read_split(tmp_path / "none.csv", "test")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00picture")
    with pytest.raises(SourceError, match=r"binary\.csv: not a CSV table"):
        read_split(tmp_path / "binary.csv", "test")
