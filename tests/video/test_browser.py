from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PAGE = """<video id="video" src="out.mp4" muted></video><pre id="answer"></pre><script>
const video = document.getElementById("video"), shown = [];
const say = (fault) => {
  document.getElementById("answer").textContent = JSON.stringify({
    fault, shown, duration: video.duration, width: video.videoWidth, height: video.videoHeight});
};
const look = () => {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  shown.push([video.currentTime, ...context.getImageData(10, 10, 1, 1).data.slice(0, 3)]);
  say(null);
};
video.onerror = () => say(video.error.message);
video.ontimeupdate = look;
video.play().catch((error) => say(String(error)));
</script>"""

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
    answer = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile",
            "--autoplay-policy=no-user-gesture-required", "--allow-file-access-from-files",
            "--virtual-time-budget=10000", "--dump-dom", f"file://{tmp_path}/page.html",
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found = json.loads(re.search(r'<pre id="answer">(.*?)</pre>', answer.stdout)[1])
    assert found["fault"] is None
    assert (found["width"], found["height"]) == (320, 180)
    played = [moment for moment, *_ in found["shown"]]
    assert played == sorted(played)
    assert played[-1] > (1.5 if killed else 2.5)
    if not killed:
        assert found["duration"] == pytest.approx(3, abs=0.1)
    for _, red, green, _ in found["shown"]:
        assert (red, green) == pytest.approx((200, 100), abs=6)
    brightness = [blue for *_, blue in found["shown"]]
    assert brightness == sorted(brightness)
    assert brightness[-1] > 60 * (1.5 if killed else 2.5)
