"""Which OpenCV is loaded, as `doctor` tells of it, and which others it hides."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from aernet.cli.gpus import output

_OWN_APP = (
    "aernet's csi:// and pipelines do without GStreamer in OpenCV; for a cv2.VideoCapture of your own,"
    " docs/jetson.md says what to do"
)
_DESCRIBE = """
import sys
sys.path.insert(0, sys.argv[1])
import cv2
print(cv2.__version__)
print(cv2.getBuildInformation())
"""


def opencv() -> dict[str, str]:
    """Return a finding, with a remedy where an OpenCV with GStreamer is hidden by one without."""
    import cv2

    loaded, information = Path(cv2.__file__).parent.parent, cv2.getBuildInformation()
    found = f"{cv2.__version__} in {loaded}, {_with_gstreamer(information)}"
    remedy = ""
    for folder in _others(loaded):
        version, _, its_information = output(_base_python(), "-c", _DESCRIBE, str(folder)).partition("\n")
        if not version:
            found += f"; it hides one in {folder} that cannot be loaded"
            continue
        found += f"; it hides {version} in {folder}, {_with_gstreamer(its_information)}"
        if _has_gstreamer(its_information) and not _has_gstreamer(information):
            remedy = _OWN_APP
    return {"name": "opencv", "state": "warn" if remedy else "ok", "found": found, "remedy": remedy}


def _base_python() -> str:
    """Return the Python outside the virtual environment, which has the NumPy that its own OpenCV wants."""
    base = Path(sys.base_prefix, "bin", "python3")
    return str(base) if base.exists() else sys.executable


def _others(loaded: Path) -> list[Path]:
    """Return the folders on Python's path that hold an OpenCV too, a package or a bare extension."""
    folders = dict.fromkeys(Path(folder or ".").resolve() for folder in sys.path)
    return [
        folder
        for folder in folders
        if folder != loaded.resolve()
        and (Path(folder, "cv2", "__init__.py").is_file() or any(folder.glob("cv2.*.so")))
    ]


def _has_gstreamer(information: str) -> bool:
    return re.search(r"GStreamer: +YES", information) is not None


def _with_gstreamer(information: str) -> str:
    return f"with{'' if _has_gstreamer(information) else 'out'} GStreamer"
