from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from playwright.sync_api import sync_playwright

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PAGE = '<video src="out.mp4" muted></video>'
PLAY = """() => {
  const video = document.querySelector("video");
  const look = (_now, { mediaTime }) => {
    video.shown = mediaTime;
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  video.play();
}"""
FACTS = """() => {
  const video = document.querySelector("video");
  const { error, shown, currentTime, duration, videoWidth, videoHeight } = video;
  return [error?.message, shown, currentTime, duration, videoWidth, videoHeight];
}"""
PIXEL = """() => {
  const video = document.querySelector("video");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  return [...context.getImageData(10, 10, 1, 1).data.slice(0, 3)];
}"""
MILLISECONDS = 60_000  # that a busy machine may take

WRITER = """
import os, sys
sys.path[:0] = {paths!r}
from pathlib import Path
import numpy as np
from aernet.video.writing import H264, VideoWriter
writer = VideoWriter(Path({path!r}), H264)
for index in range(90):
    writer.add(np.full((180, 320, 3), (index * 2, 100, 200), np.uint8), index / 30)
if {killed}:
    os.kill(os.getpid(), 9)
writer.close()
"""

pytestmark = [pytest.mark.browser, pytest.mark.skipif(BROWSER is None, reason="needs Chromium")]


@pytest.mark.parametrize("killed", [False, True])
def test_chromium_plays_a_recording(tmp_path, killed):
    program = WRITER.format(paths=sys.path, path=str(tmp_path / "out.mp4"), killed=killed)
    code = subprocess.run([sys.executable, "-c", program], check=False).returncode
    assert code == (-9 if killed else 0)
    (tmp_path / "page.html").write_text(PAGE)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=BROWSER, args=["--no-sandbox", "--allow-file-access-from-files"]
        ) as browser,
    ):
        page = browser.new_page()
        page.goto(f"file://{tmp_path}/page.html")
        page.evaluate(PLAY)
        page.wait_for_function(
            "() => { const video = document.querySelector('video'); return video.ended || video.error; }",
            timeout=MILLISECONDS,
        )
        fault, shown, end, duration, width, height = page.evaluate(FACTS)
        colours = {}
        for seconds in (0.51, 1.51, 2.01):
            page.evaluate("seconds => { document.querySelector('video').currentTime = seconds; }", seconds)
            page.wait_for_function("!document.querySelector('video').seeking", timeout=MILLISECONDS)
            colours[seconds] = page.evaluate(PIXEL)
    assert fault is None
    assert (width, height) == (320, 180)
    assert end > (2 if killed else 2.9)
    assert end - shown < 0.5
    if not killed:
        assert duration == pytest.approx(3, abs=0.1)
    for seconds, colour in colours.items():
        assert colour == pytest.approx((200, 100, 2 * int(seconds * 30)), abs=6)
