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
        ("x" * 300 + ".mp4", r"x\.mp4: cannot be opened \(File name too long\)$"),
        ("9" * 5000, r"^9+: cannot be opened|^9+: no such file"),
        ("csi://" + "9" * 5000, r"^csi://9+: no such kind of source"),
        ("test://?seed=" + "9" * 5000, r"seed must be a whole number above 0, found '9+'"),
        ("nothing/*.png", r"^nothing/\*\.png: no file matches"),
        ("test://?width=wide", r"width must be a whole number above 0, found 'wide'"),
        ("test://?fps=0", r"fps must be a whole number above 0, found '0'"),
        ("test://?width=641", r"width and height must be even and at most 7680, found 641 x 720"),
        ("test://?height=100000", r"at most 7680, found 1280 x 100000"),
        ("v4l2://video0", r"^v4l2://video0: no such kind of source"),
        ("rtsp://[camera", r"^rtsp://\[camera: is not a valid address \(Invalid IPv6 URL\)$"),
        (
            "v4l2src name='lens ! identity",
            r"identity: is not a valid pipeline \(No closing quotation\)$",
        ),
        ("v4l2:///dev/video0?zoom=2", r"unknown option 'zoom'; expected width, height, fps"),
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
    assert open_source("rtsp://nurse:s@cret@camera/a@b").name == "rtsp://camera/a@b"
    pipeline = open_source("rtspsrc location=rtsp://nurse:secret@camera/lens ! decodebin")
    assert pipeline.name == "rtspsrc location=rtsp://camera/lens ! decodebin"
    assert "location=rtsp://nurse:secret@camera/lens" in pipeline._arguments
    with pytest.raises(SourceError, match=r"^ftp://camera/lens: no such kind"):
        open_source("ftp://nurse:secret@camera/lens")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (
            "rtsp://camera/lens?user=nurse&password=secret&channel=1",
            "rtsp://camera/lens?user=nurse&password=***&channel=1",
        ),
        (
            "rtspsrc location=rtsp://camera user-id=nurse user-pw=secret ! decodebin",
            "rtspsrc location=rtsp://camera user-id=nurse user-pw=*** ! decodebin",
        ),
        (
            'souphttpsrc user-pw="top secret" ! decodebin bypass=3',
            "souphttpsrc user-pw=*** ! decodebin bypass=3",
        ),
    ],
)
def test_what_is_called_a_password_is_not_shown(address, name):
    assert open_source(address).name == name


def test_a_folder_and_a_glob_are_sequences(tmp_path):
    for name, level in (("b.png", 20), ("a.png", 10), ("c.jpg", 30)):
        cv2.imwrite(str(tmp_path / name), np.full((8, 12, 3), level, np.uint8))
    folder = list(open_source(tmp_path).frames())
    assert [picture[0, 0, 0] for picture, _ in folder] == [10, 20, 30]
    assert [seconds for _, seconds in folder] == pytest.approx([0, 0.04, 0.08])
    pngs = list(open_source(f"{tmp_path}/*.png").frames())
    assert [picture[0, 0, 0] for picture, _ in pngs] == [10, 20]
    (tmp_path / "0.md").write_text("what the pictures are")
    (tmp_path / "below").mkdir()
    cv2.imwrite(str(tmp_path / "below" / "d.png"), np.full((8, 12, 3), 40, np.uint8))
    everything = list(open_source(f"{tmp_path}/*").frames())
    assert [picture[0, 0, 0] for picture, _ in everything] == [10, 20, 40, 30]
    with pytest.raises(SourceError, match=r"\*\.md: no picture matches$"):
        open_source(f"{tmp_path}/*.md")
    ((picture, _),) = open_source(tmp_path / "a.png").frames()
    assert picture.shape == (8, 12, 3)
