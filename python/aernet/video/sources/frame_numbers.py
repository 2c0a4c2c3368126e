"""The numbers that H.264 gives its frames, by which lost ones are known; FFmpeg's decoder says nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aernet.video.libav import import_av
from aernet.video.sources.decoder_log import logged

if TYPE_CHECKING:
    from av.video.stream import VideoStream

_ELEMENT = re.compile(
    r"(nal_ref_idc|nal_unit_type|log2_max_frame_num_minus4|gaps_in_frame_num_allowed_flag|frame_num"
    r"|memory_management_control_operation)(?:\[\d+\])? .*= (\d+)"
)
_IDR, _RESET = 5, 5  # a kind of unit, and a memory management operation


class FrameNumbers:
    """Follows `frame_num` (ITU-T H.264, 7.4.3): it grows by one after a frame that others are drawn upon.

    For other codecs nothing is known.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._av = import_av("decoding")
        self._count, self._may_gap = 16, False
        self._last: int | None = None  # of the last frame that others are drawn upon
        self._trace: Any = None
        if stream.codec_context.name == "h264":
            with logged(self._av.logging.INFO) as lines:
                self._trace = self._av.bitstream.BitStreamFilterContext("trace_headers", stream)
            self._read(lines)

    def lacks(self, packet: Any) -> bool:
        """Take the next packet, and tell whether a frame that others are drawn upon is missing before it."""
        if self._trace is None:
            return False
        try:
            with logged(self._av.logging.INFO) as lines:
                self._trace.filter(self._av.Packet(bytes(packet)))
        except self._av.FFmpegError:  # which the decoder tells, too
            self._last = None
            return False
        return self._read(lines)

    def _read(self, lines: list[str]) -> bool:
        lacks = False
        before, reference, kind = self._last, 0, 0
        for line in lines:
            element = _ELEMENT.search(line)
            if element is None:
                continue
            name, value = element[1], int(element[2])
            if name == "nal_ref_idc":
                reference = value
            elif name == "nal_unit_type":
                kind = value
            elif name == "log2_max_frame_num_minus4":
                self._count = 1 << (value + 4)
            elif name == "gaps_in_frame_num_allowed_flag":
                self._may_gap = bool(value)
            elif name == "memory_management_control_operation":
                self._last = 0 if value == _RESET else self._last
            else:
                known = before is not None and kind != _IDR and not self._may_gap
                lacks |= known and value not in {before, ((before or 0) + 1) % self._count}
                self._last = value if reference else self._last
        return lacks
