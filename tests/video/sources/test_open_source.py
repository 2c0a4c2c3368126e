from __future__ import annotations

import cv2
import numpy as np
import pytest

from aernet import SourceError
from aernet.video import open_source
from aernet.video.sources.gstreamer import GStreamer
from aernet.video.sources.network import NetworkStream
from aernet.video.sources.synthetic import SyntheticDermatoscope


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://host/film.mp4", r"^ftp://host/film\.mp4: no such kind of source; expected a number"),
        ("csi://left", r"^csi://left: no such kind of source"),
        ("nothing.mp4", r"^nothing\.mp4: no such file or folder"),
        ("nothing/*.png", r"^nothing/\*\.png: no picture is called so"),
        ("test://?width=wide", r"width must be a whole number above 0, found 'wide'"),
        ("test://?fps=0", r"fps must be a whole number above 0, found '0'"),
        ("test://?width=641", r"width and height must be even, found 641 x 720"),
        ("v4l2:///dev/video0?zoom=2", r"'zoom' cannot be asked for; expected width, height, fps"),
    ],
)
def test_addresses_that_name_nothing_are_refused(address, message):
    with pytest.raises(SourceError, match=message) as error:
        open_source(address)
    assert "\n" not in str(error.value)


def test_a_mode_can_be_asked_for():
    source = open_source("test://?seed=4&width=640&height=360&fps=50")
    assert isinstance(source, SyntheticDermatoscope)
    assert (source.size, source.fps) == ((640, 360), 50)
    np.testing.assert_array_equal(
        source.picture(9), SyntheticDermatoscope(640, 360, seed=4, fps=50).picture(9)
    )


def test_a_csi_camera_is_a_pipeline_of_nvidias():
    source = open_source("csi://1?width=1920&height=1080&fps=60")
    assert isinstance(source, GStreamer)
    assert source.name == "csi://1?width=1920&height=1080&fps=60"
    arguments = " ".join(source._arguments)
    assert arguments.startswith(
        "nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),width=1920,height=1080,"
    )
    assert ",framerate=60/1 ! nvvidconv ! " in arguments


def test_no_password_is_shown():
    source = open_source("rtsp://nurse:secret@camera/lens")
    assert isinstance(source, NetworkStream)
    assert source.name == "rtsp://camera/lens"


def test_a_camera_that_is_not_there():
    with pytest.raises(SourceError, match=r"^camera .*63") as error:
        next(open_source("63").frames())
    assert "\n" not in str(error.value)


def test_what_is_no_camera_or_is_held(tmp_path):
    (tmp_path / "video0").touch()
    with pytest.raises(SourceError, match="cannot be opened as a camera; close any program that holds it"):
        next(open_source(f"v4l2://{tmp_path}/video0").frames())


def test_a_folder_and_a_glob_are_sequences(tmp_path):
    for name, level in (("b.png", 20), ("a.png", 10), ("c.jpg", 30)):
        cv2.imwrite(str(tmp_path / name), np.full((8, 12, 3), level, np.uint8))
    folder = list(open_source(tmp_path).frames())
    assert [picture[0, 0, 0] for picture, _ in folder] == [10, 20, 30]
    assert [seconds for _, seconds in folder] == pytest.approx([0, 0.04, 0.08])
    pngs = list(open_source(f"{tmp_path}/*.png").frames())
    assert [picture[0, 0, 0] for picture, _ in pngs] == [10, 20]
    ((picture, _),) = open_source(tmp_path / "a.png").frames()
    assert picture.shape == (8, 12, 3)
