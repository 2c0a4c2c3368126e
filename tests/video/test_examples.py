"""The examples, with a screen and a camera that do as they are told."""

from __future__ import annotations

import runpy
import shutil
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_click_on_the_button_saves_what_is_seen(monkeypatch, tmp_path):
    shown, on_mouse = [], []

    def wait_key(_milliseconds):
        if len(shown) in {1, 2}:
            x = 50 if len(shown) == 2 else 250  # the first click is beside the button
            on_mouse[0](cv2.EVENT_LBUTTONDOWN, x, 50, 0, None)
        return ord("q") if len(shown) == 4 else -1

    monkeypatch.setattr(cv2, "namedWindow", lambda _window: None)
    monkeypatch.setattr(cv2, "setMouseCallback", lambda _window, callback: on_mouse.append(callback))
    monkeypatch.setattr(cv2, "imshow", lambda _window, picture: shown.append(picture))
    monkeypatch.setattr(cv2, "waitKey", wait_key)
    monkeypatch.setattr(sys, "argv", ["device_app.py", "test://?width=320&height=180"])
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "device_app.py"), run_name="__main__")
    picture_path, mask_path = sorted(tmp_path.iterdir())
    assert mask_path.name == f"{picture_path.stem}_mask.png"
    picture, mask = cv2.imread(str(picture_path)), cv2.imread(str(mask_path), cv2.IMREAD_UNCHANGED)
    assert len(shown) == 4
    assert (shown[2][20:30, 20:30] == 255).all()
    # The third is what was saved, but for the outline and the button.
    assert np.mean((shown[2] == picture).all(-1)[100:][mask[100:] == 0]) > 0.5
    assert set(np.unique(mask)) <= {0, 255}


@pytest.mark.skipif(not shutil.which("gst-launch-1.0"), reason="needs gst-launch-1.0")
def test_a_pipeline_is_recorded_until_it_is_interrupted(monkeypatch, tmp_path):
    example = runpy.run_path(str(EXAMPLES / "gstreamer_jetson.py"))
    main = example["main"].__globals__
    lines = []

    def say(*words):
        lines.append(words)
        if len(lines) == 2:
            raise KeyboardInterrupt

    main["CAMERA"] = "videotestsrc is-live=true ! video/x-raw,width=328,height=180,framerate=30/1"
    main["print"] = say
    monkeypatch.setattr(sys, "argv", ["gstreamer_jetson.py", str(tmp_path / "out.mp4")])
    example["main"]()
    assert lines[-1] == ("recorded",)
    with av.open(str(tmp_path / "out.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times[-1] > 1.5
