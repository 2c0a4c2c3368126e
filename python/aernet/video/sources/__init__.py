"""Sources of pictures, each chosen by the form of its address."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeGuard
from urllib.parse import parse_qsl, urlsplit

import cv2

from aernet.errors import SourceError
from aernet.video.sources.camera import Camera
from aernet.video.sources.capture import Capture
from aernet.video.sources.given import GivenFrames
from aernet.video.sources.gstreamer import GStreamer, csi_pipeline
from aernet.video.sources.network import NetworkStream, without_password
from aernet.video.sources.pictures import PictureSequence, is_pictures
from aernet.video.sources.synthetic import SyntheticDermatoscope
from aernet.video.sources.videofile import VideoFile

if TYPE_CHECKING:
    from aernet.video.sources.base import Source
    from aernet.video.sources.given import GivenFrame

    AnySource: TypeAlias = "str | os.PathLike[str] | int | Source | cv2.VideoCapture | Iterable[GivenFrame]"
    """A source as a user gives it."""

__all__ = ["open_source"]


def as_source(given: AnySource) -> Source:
    """Return the source that a user gives: an address, a `Source`, an open capture or an iterable of frames.

    Raises:
        SourceError: it is none of these, or the address names no source, or the capture is not open.
    """
    if isinstance(given, (str, os.PathLike, int)):
        return open_source(given)
    if _is_source(given):
        return given
    if isinstance(given, cv2.VideoCapture):
        return Capture(given)
    if getattr(given, "ndim", 4) != 4:
        raise SourceError("stream: expected a source of frames, found one; for one frame call the segmenter")
    if isinstance(given, Iterable):
        return GivenFrames(given)
    raise SourceError(
        "stream: expected an address, an open cv2.VideoCapture, an iterable of frames or a Source, found"
        f" {type(given).__name__}"
    )


def _is_source(given: object) -> TypeGuard[Source]:
    return all(hasattr(given, name) for name in ("name", "live", "frames"))


def open_source(address: str | os.PathLike[str] | int) -> Source:
    """Return the source that an address names; `frames` opens the camera or file behind it.

    - `0`, `v4l2:///dev/video0`: a camera; `?width=1280&height=720&fps=30` asks it for a mode.
    - `csi://0`: a CSI camera of a Jetson; takes the same options.
    - `rtsp://host/path`: a network camera.
    - `v4l2src ! videoconvert`: a GStreamer pipeline, without its sink.
    - `test://`: the synthetic dermatoscope; `?seed=0&fps=30&width=1280&height=720`.
    - a video file: its frames.
    - a folder, a glob, a picture: pictures in the order of their paths.

    Raises:
        SourceError: the address has none of these forms, or names a file that does not exist.
    """
    text = str(address) if isinstance(address, int) else os.fspath(address)
    if _is_number(text):
        return Camera(int(text))
    if " ! " in text:
        return GStreamer(text)
    if "://" in text:
        return _open_url(text)
    path = Path(text)
    try:
        if is_pictures(path):
            return PictureSequence(path)
        if not path.is_file():
            raise SourceError(f"{path}: no such file or folder")
    except OSError as error:  # such as of a name that is too long
        raise SourceError(f"{path}: cannot be opened ({error.strerror})") from error
    return VideoFile(path)


def _open_url(text: str) -> Source:
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise SourceError(f"{without_password(text)}: is not a valid address ({error})") from None
    match parts.scheme:
        case "v4l2" if parts.path:
            return Camera(parts.path, **_mode(text, "width", "height", "fps"))
        case "csi" if _is_number(parts.netloc):
            mode = _mode(text, "width", "height", "fps")
            return GStreamer(csi_pipeline(int(parts.netloc), **mode), text)
        case "rtsp" | "rtsps" if parts.netloc:
            return NetworkStream(text)
        case "test" if not (parts.netloc or parts.path):
            return SyntheticDermatoscope(**_mode(text, "width", "height", "fps", "seed"))
    raise SourceError(
        f"{without_password(text)}: no such kind of source; expected a number, v4l2:///dev/video0, csi://0, "
        "rtsp://HOST/PATH, test://, test://?seed=0, a GStreamer pipeline (with ' ! '), a video, a picture, "
        "a folder or a glob"
    )


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 10


def _mode(text: str, *names: str) -> dict[str, int]:
    """Return the options that follow the question mark of an address: whole numbers by name."""
    values = dict(parse_qsl(urlsplit(text).query, keep_blank_values=True))
    for name, value in values.items():
        if name not in names:
            raise SourceError(f"{text}: unknown option {name!r}; expected {', '.join(names)}")
        if not _is_number(value) or (int(value) == 0 and name != "seed"):
            raise SourceError(f"{text}: {name} must be a whole number above 0, found {value!r}")
    return {name: int(value) for name, value in values.items()}
