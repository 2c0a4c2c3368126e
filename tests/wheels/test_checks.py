"""What a wheel's name and contents must be before it is published."""

from __future__ import annotations

import zipfile

import checks
import pytest
from checks import check_wheel, needed_library


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Write a wheel; what code is in its extension is said, as no extension is compiled."""

    def wheel(platform="manylinux_2_34_aarch64", architectures=(75, 87, 110), extra=0):
        path = tmp_path / f"aernet-0.1.0-cp311-cp311-{platform}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("aernet/extra", bytes(extra))
        monkeypatch.setattr(checks, "architectures_in", lambda _: list(architectures))
        return path

    return wheel


def test_the_oldest_library_of_a_name_counts():
    assert needed_library("aernet-0.1.0-cp311-cp311-manylinux_2_34_x86_64.whl") == (2, 34)
    name = "aernet-0.1.0-cp311-cp311-manylinux_2_5_x86_64.manylinux_2_28_x86_64.whl"
    assert needed_library(name) == (2, 5)


def test_a_name_that_promises_nothing():
    with pytest.raises(SystemExit, match="no manylinux"):
        needed_library("aernet-0.1.0-cp311-cp311-linux_x86_64.whl")


def test_a_good_wheel(wheel):
    assert check_wheel(wheel()) == "0.0 MB, glibc 2.34, compute capabilities 75 87 110"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"platform": "manylinux_2_36_x86_64"}, "newer than"),
        ({"architectures": (75, 110)}, "no code for sm_87"),
        ({"architectures": (87,)}, "no code for sm_110"),
        ({"extra": 40_000_001}, "more than 40000000"),
    ],
)
def test_a_bad_wheel(wheel, fault, says):
    with pytest.raises(SystemExit, match=says):
        check_wheel(wheel(**fault))
