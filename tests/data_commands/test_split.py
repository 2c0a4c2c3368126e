from __future__ import annotations

from collections import Counter
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aernet.data.split import known_lesions, split, usual_test, usual_validation, write_split
from aernet.errors import SourceError
from aernet.pairs import read_split

IMAGE_IDS = [f"ISIC_{number:07}" for number in range(60)]
ONE = st.sampled_from(IMAGE_IDS)


@given(st.lists(st.tuples(ONE, ONE), max_size=20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 99))
def test_no_lesion_is_in_two_subsets(same, validation, test, seed):
    subset_of = split(IMAGE_IDS, same, validation=validation, test=test, seed=seed)
    assert list(subset_of) == IMAGE_IDS
    assert all(subset_of[one] == subset_of[other] for one, other in same)
    sizes = Counter(subset_of.values())
    assert sizes["val"] <= validation
    assert sizes["test"] <= test


def test_the_sizes_are_as_asked_for_even_with_lesions_in_several_pictures():
    same = list(zip(IMAGE_IDS[:18:2], IMAGE_IDS[1:18:2], strict=True))
    for seed in range(50):
        sizes = Counter(split(IMAGE_IDS, same, validation=7, test=13, seed=seed).values())
        assert sizes == {"train": 40, "val": 7, "test": 13}


def test_a_seed_gives_one_split_whatever_the_order_of_the_pictures():
    subset_of = split(IMAGE_IDS[::-1], [], validation=2, test=3, seed=0)
    assert subset_of == split(IMAGE_IDS, [], validation=2, test=3, seed=0)
    assert subset_of != split(IMAGE_IDS, [], validation=2, test=3, seed=1)
    # The same on every machine and in every release, or published splits could not be made again.
    tested = [image_id for image_id, subset in subset_of.items() if subset == "test"]
    assert tested == ["ISIC_0000012", "ISIC_0000029", "ISIC_0000033"]


def test_a_split_that_leaves_nothing_to_train_on_is_refused():
    with pytest.raises(SourceError, match="20 pictures for validation and 40 for testing leave none of 60"):
        split(IMAGE_IDS, [], validation=20, test=40, seed=0)


def test_the_usual_sizes_are_shares():
    for count, sizes in ((3, (1, 1)), (12, (1, 2)), (60, (6, 12)), (2594, (200, 500))):
        assert (usual_validation(count), usual_test(count)) == sizes


def test_a_subset_that_no_lesion_fits_into_is_refused():
    ids = IMAGE_IDS[:6]
    twins = list(zip(ids[::2], ids[1::2], strict=True))
    with pytest.raises(
        SourceError, match=r"no picture is left for val, .* the 6 pictures show too few lesions \(3\)"
    ):
        split(ids, twins, validation=1, test=2, seed=0)
    for seed in range(20):
        sizes = Counter(split(ids, [(ids[0], ids[1])], validation=1, test=3, seed=seed).values())
        assert sizes["val"] == 1
        assert sizes["test"] >= 1
    one = [(ids[0], other) for other in ids[1:]]
    with pytest.raises(SourceError, match=r"no picture is left for val, .* too few lesions \(1\)"):
        split(ids, one, validation=1, test=1, seed=0)


def test_the_table_is_one_that_training_reads(tmp_path):
    subset_of = split(IMAGE_IDS, [], validation=5, test=6, seed=2)
    file = StringIO()
    write_split(subset_of, file)
    table = tmp_path / "split.csv"
    table.write_text(file.getvalue(), encoding="utf-8")
    for name, size in (("train", 49), ("val", 5), ("test", 6)):
        expected = {image_id for image_id, subset in subset_of.items() if subset == name}
        assert read_split(table, name) == expected
        assert len(expected) == size


def test_pictures_of_lesions_without_a_name_are_of_different_lesions(tmp_path):
    table = tmp_path / "lesions.csv"
    table.write_text("image_id,lesion_id\na,L1\nb,\nc,\nd,L1\n", encoding="utf-8")
    assert known_lesions(table, ["a", "b", "c", "d"]) == [("a", "d")]
