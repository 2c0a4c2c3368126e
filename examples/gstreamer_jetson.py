"""Records a Jetson's CSI camera with the lesion outlined; GStreamer scales the frames in hardware.

    python examples/gstreamer_jetson.py out.mp4

Any pipeline that ends in raw video works. In this one the image processor scales to 1280 x 720. For a USB
camera with JPEG, begin with `v4l2src ! image/jpeg,width=1280,height=720 ! nvv4l2decoder mjpeg=1`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from aernet import Segmenter
from aernet.video.sinks import Recording

CAMERA = (
    "nvarguscamerasrc sensor-id=0 "
    "! video/x-raw(memory:NVMM),width=1920,height=1080,framerate=30/1 "
    "! nvvidconv ! video/x-raw,width=1280,height=720"
)


def main() -> None:
    """Record until Ctrl-C, and print the status once a second."""
    with Segmenter() as segmenter, segmenter.stream(CAMERA) as stream:
        stream.add(Recording(Path(sys.argv[1] if sys.argv[1:] else "out.mp4")))
        printed = 0.0
        try:
            for result in stream:
                if result.timestamp >= printed + 1:
                    printed = result.timestamp
                    print(result.state.value, stream.status())
        except KeyboardInterrupt:
            print("recorded")


if __name__ == "__main__":
    main()
