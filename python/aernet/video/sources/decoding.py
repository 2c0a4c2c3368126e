"""Decoding by FFmpeg through PyAV, for video files and network streams."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from aernet.errors import SourceError
from aernet.nv12 import Nv12Frame
from aernet.video.frame import usual_matrix
from aernet.video.libav import import_av
from aernet.video.sources.container_size import missing_bytes
from aernet.video.sources.orientation import Orientation, orientation_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av import VideoFrame
    from av.container import InputContainer
    from av.video.plane import VideoPlane
    from av.video.stream import VideoStream

    from aernet.arrays import HostImage
    from aernet.nv12 import Matrix

_SUBSAMPLED = ("yuv420p", "yuvj420p", "nv12")
# Codes of ITU-T H.273, which FFmpeg uses.
_MATRICES: dict[int, Matrix] = {1: "bt709", 5: "bt601", 6: "bt601"}
_UNSTATED, _FULL = 2, 2
_HDR = {16: "PQ", 18: "HLG"}  # transfer functions


@contextmanager
def opened_video(address: str, name: str, **how: Any) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open an address as `av.open` does, and yield the container and the video stream that players show.

    That is the one that is marked as the default, of several such the one with the largest frames, and never
    a still picture such as a cover.

    Raises:
        SourceError: the address cannot be opened, holds no video that can be shown whole, or breaks off.
    """
    av = import_av(name)
    try:
        with av.open(address, metadata_errors="replace", **how) as container:
            yield container, _chosen(container, av.stream.Disposition, name)
    except av.FFmpegError as error:
        lacking = missing_bytes(Path(address)) if Path(address).is_file() else 0
        reason = f"the file is cut short, {lacking} bytes are missing" if lacking else error.strerror
        raise SourceError(f"{name}: cannot be read as video ({reason})") from None


def has_unused_byte(container: InputContainer, stream: VideoStream) -> bool:
    """Tell whether FFmpeg takes for transparency what is unused: the fourth byte of Windows' BI_RGB."""
    untagged = not stream.codec_context.codec_tag.strip("\0")
    return container.format.name == "avi" and stream.codec_context.name == "rawvideo" and untagged


def to_frame(frame: VideoFrame, name: str, *, opaque: bool = False) -> HostImage | Nv12Frame:
    """Return a decoded frame, turned and mirrored as its stream says, and on white where it is transparent.

    Args:
        frame: the frame.
        name: the name of its source in errors.
        opaque: whether it is transparent nowhere, whatever its alpha says.

    Returns:
        An `Nv12Frame` where the decoder gives 4:2:0 in BT.601 or BT.709; else uint8 BGR, H x W x 3.

    Raises:
        SourceError: the frame has more than 8 bits a channel, or a high dynamic range.
    """
    bits = max(component.bits for component in frame.format.components)
    if frame.color_trc in _HDR:
        raise SourceError(
            f"{name}: expected a standard dynamic range, found HDR ({_HDR[frame.color_trc]}, {bits} bits a "
            "channel); convert it to SDR with 8 bits"
        )
    if bits > 8:
        raise SourceError(
            f"{name}: expected 8 bits a channel, found {bits} ({frame.format.name}); convert it to 8"
        )
    orientation = orientation_of(frame)
    matrix = usual_matrix(frame.height) if frame.colorspace == _UNSTATED else _MATRICES.get(frame.colorspace)
    # Turning a frame with an odd side would move its chroma against its luma.
    odd_turn = orientation != Orientation() and (frame.width % 2 or frame.height % 2)
    if frame.format.name not in _SUBSAMPLED or matrix is None or odd_turn:
        return orientation.applied(_picture(frame, opaque=opaque))
    luma, *chroma = map(_plane, frame.planes)
    if len(chroma) == 2:
        pairs = np.asarray(cv2.merge([plane[:, : frame.planes[1].width] for plane in chroma]), np.uint8)
    else:
        pairs = chroma[0].reshape(chroma[0].shape[0], -1, 2)[:, : frame.planes[1].width].copy()
    full_range = frame.format.name == "yuvj420p" or frame.color_range == _FULL
    luma = luma[:, : frame.width].copy()
    return Nv12Frame(orientation.applied(luma), orientation.applied(pairs), matrix, full_range)


def _chosen(container: InputContainer, kinds: Any, name: str) -> VideoStream:
    """Return the stream that players show."""
    still = kinds.attached_pic | kinds.timed_thumbnails | kinds.still_image
    moving = [stream for stream in container.streams.video if not stream.disposition & still]
    if not moving:
        held = ["a still picture" if stream.type == "video" else stream.type for stream in container.streams]
        only = " and ".join(dict.fromkeys(held)) or "nothing"
        raise SourceError(f"{name}: holds no video, only {only}")
    # PyAV has no context where FFmpeg has no decoder.
    moving = [stream for stream in moving if getattr(stream, "codec_context", None)]
    if not moving:
        raise SourceError(f"{name}: its video is of a kind that FFmpeg cannot decode; convert it to H.264")

    def rank(stream: VideoStream) -> tuple[bool, int]:
        pixels = stream.codec_context.width * stream.codec_context.height
        return bool(stream.disposition & kinds.default), pixels

    stream = max(moving, key=rank)
    if "1" in (stream.metadata.get("alpha_mode"), stream.metadata.get("ALPHA_MODE")):
        raise SourceError(
            f"{name}: has transparency beside its {stream.codec_context.name} frames, which the decoder "
            "leaves out; put it on a background"
        )
    return stream


def _picture(frame: VideoFrame, *, opaque: bool) -> HostImage:
    """Return a frame of any layout as a BGR picture."""
    has_alpha = not opaque and any(component.is_alpha for component in frame.format.components)
    unstated = frame.colorspace == _UNSTATED and usual_matrix(frame.height) == "bt709"
    matrix = "ITU709" if unstated else None  # FFmpeg would take BT.601
    picture = frame.to_ndarray(format="bgra" if has_alpha else "bgr24", src_colorspace=matrix)
    if not has_alpha:
        return np.asarray(picture, np.uint8)
    colours, alpha = picture[:, :, :3].astype(np.uint16), picture[:, :, 3:].astype(np.uint16)
    return np.asarray((colours * alpha + 255 * (255 - alpha) + 127) // 255, np.uint8)


def _plane(plane: VideoPlane) -> HostImage:
    """Return the bytes of a plane in the decoder's memory, with the padding of its rows."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height]
