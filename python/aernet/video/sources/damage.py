"""Decodes a film and finds out which of its frames are damaged.

A decoder conceals what it cannot read, and draws most frames upon earlier ones. So what it says of a packet
is gathered from its errors, its log and the marks of the frame, and the frames that this spoils are found.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from aernet.video.libav import import_av
from aernet.video.sources.decoder_log import logged
from aernet.video.sources.frame_numbers import FrameNumbers
from aernet.video.sources.pace import Pace
from aernet.video.sources.spoilage import Place, Spoilage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

_CHECKS = {"err_detect": "crccheck+bitstream+buffer+careful"}
_MARK_DELAY = 2  # packets; a transport stream may mark damage so much too early
_LONGEST_DELAY = 32  # packets; no decoder holds back more frames


class CheckedDecoder:
    """Decodes a stream and collects the numbers of the frames that are damaged.

    A film that begins between two key frames, as recordings of a broadcast do, is shown from the first key
    frame on; what comes before it does not count.

    Args:
        container: that holds the stream.
        stream: to decode.
        cut: whether the end of the file is missing, so that the last packet may be half there.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, *, cut: bool) -> None:
        self.damaged: list[int] = []
        """The numbers of the damaged frames so far."""
        self.count = 0
        """How many frames the film has had so far, with the damaged ones."""
        self.troubled = False
        """Whether there was any damage, even if it is not known to which frames."""
        self.breached = False
        """Whether the file is damaged between the packets, so that some may be missing."""
        unit, rate = stream.time_base, stream.average_rate
        self.pace = Pace(round(1 / (rate * unit)) if rate and unit else 0)
        """The times of the frames."""
        self._source = container.demux(stream)
        self._numbers = FrameNumbers(stream)
        self._cut = cut
        self._spoilage = Spoilage()
        self._place = self._before = Place(-1, 0, None)  # of this packet, and of the one before it
        self._waiting: dict[int, Place] = {}  # packets whose frame is not out yet
        self._held: deque[tuple[Place, VideoFrame | None]] = deque()  # frames that may turn out damaged
        self._given_up: set[int] = set()  # the numbers of packets that count as lost
        self._uncounted = 0  # frames since the last one that had a time
        self._begun = self._midway = False
        self._after_breach: Any = None  # the packet before which others may be missing
        self._breach: int | None = None  # its number
        # dav1d tells of an error when the frame is out, as it is given the next packet.
        self._late = stream.codec_context.name == "libdav1d"
        # Each error must come while its packet is decoded, and on this thread.
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        stream.codec_context.copy_opaque = True
        stream.codec_context.options = _CHECKS

    def frames(self) -> Iterator[VideoFrame | None]:
        """Yield the frames in the order of display, None for each that is damaged or lost."""
        for packet, damaged in self._packets():
            for frame in self._decoded(packet, damaged=damaged):
                self._take(frame)
            yield from self._released()
        self._give_up(list(self._waiting.values()))
        self._late = False
        yield from self._released()

    def _packets(self) -> Iterator[tuple[Any, bool]]:
        """Yield each packet, and whether its data are damaged."""
        near: deque[Any] = deque()
        while True:
            while len(near) <= _MARK_DELAY and (packet := self._next_packet()) is not None:
                near.append(packet)
            if not near:
                return
            yield near[0], near[0].is_corrupt and not _are_joined(near)
            near.popleft()

    def _next_packet(self) -> Any:
        try:
            with logged() as errors:
                # An empty packet with a time shows the frame before it for longer; one without ends the film.
                packet = next((one for one in self._source if one.size or one.dts is None), None)
        except import_av("decoding").FFmpegError as error:
            errors.append(str(error))
            packet = None
        if errors and (self._begun or packet is None):
            self.troubled = self.breached = True
            self._after_breach = packet
        return packet

    def _decoded(self, packet: Any, *, damaged: bool) -> list[VideoFrame]:
        frames: list[VideoFrame] = []
        if packet.size:
            self._note(packet, damaged=damaged)
        elif self._cut or (self.breached and self._after_breach is None):
            self._break(self._place)
        try:
            with logged() as errors:
                frames = packet.decode()
        except import_av("decoding").FFmpegError as error:
            errors.append(str(error))
        if errors:
            late = self._late and packet.size and self._before.number >= 0
            self._break(self._before if late else self._place)
        return frames

    def _note(self, packet: Any, *, damaged: bool) -> None:
        """Note where a packet stands, and whether its data are damaged."""
        first = self._place.number < 0
        begins = packet.is_keyframe or (first and damaged)
        self._midway |= first and not begins
        self._before = self._place
        self._place = Place(self._place.number + 1, self._place.group + begins, packet.pts)
        packet.opaque = self._place  # PyAV wants an object that no other packet has, which a number is not
        if begins or first:
            self._spoilage.begin(self._place)
        if not packet.is_discard:
            self._waiting[self._place.number] = self._place
        if packet is self._after_breach:
            self._break(self._before)
        if packet is self._after_breach or self._numbers.lacks(packet):
            self._breach = self._place.number
            damaged |= not packet.is_keyframe
        if damaged:
            self._break(self._place)

    def _break(self, place: Place) -> None:
        """Note that a packet is damaged, unless the film cannot show it for want of a key frame."""
        if place.number < 0:
            return
        if self._begun or not (self._midway or self._spoilage.leads(place)):
            self.troubled = True
            self._spoilage.add(place)

    def _take(self, frame: VideoFrame) -> None:
        """Put a frame in line, after those that are lost."""
        place: Any = frame.opaque
        self._waiting.pop(place.number, None)
        # After damage, frames come out of order.
        if place.number in self._given_up or self.pace.is_counted(place.pts):
            return
        if not self._begun:
            if place.group == 0 and not frame.key_frame:
                return
            if frame.is_corrupt and (self._midway or self._spoilage.leads(place)):
                return
        if frame.is_corrupt:
            self._break(place)
        if frame.pict_type == import_av("decoding").video.frame.PictureType.P:
            self._spoilage.inherit(place)
        self._give_up([other for other in self._waiting.values() if _is_due(other, place)])
        if frame.pts is None:
            self._uncounted += 1
        else:
            behind = self._breach is not None and place.number >= self._breach
            damaged = behind or self._uncounted > 0 or self._spoilage.is_near(place)
            missing = self.pace.missing(frame.pts, self._uncounted, damaged=damaged)
            self._held.extend([(place, None)] * missing)
            self._uncounted = 0
            self._breach = None if behind else self._breach
        self._begun = True
        self._held.append((place, frame))

    def _give_up(self, due: list[Place]) -> None:
        """Wait no longer for the frames of some packets; those that were damaged count as lost."""
        for place in due:
            del self._waiting[place.number]
        # Whole films have packets without a frame of their own, too, such as the second field of a frame.
        lost = [
            place for place in due if self._spoilage.includes(place) and not self.pace.is_counted(place.pts)
        ]
        lost.sort(key=lambda place: place.pts or 0)
        self._held.extend((place, None) for place in lost)
        self._given_up.update(place.number for place in lost)
        self._uncounted += len(lost)

    def _released(self) -> Iterator[VideoFrame | None]:
        """Yield the frames in line for which all that was decoded before them is known."""
        while self._held:
            place, frame = self._held[0]
            if any(number < place.number for number in self._waiting):
                return
            if self._late and place.number == self._place.number:
                return
            self._held.popleft()
            if frame is None or self._spoilage.includes(place):
                self.damaged.append(self.count)
                frame = None
            self.count += 1
            yield frame


def _is_due(other: Place, place: Place) -> bool:
    """Tell whether the frame of one packet should have come out before that of another."""
    if other.number > place.number:
        return False
    if other.pts is not None and place.pts is not None and other.pts < place.pts:
        return True
    return other.number < place.number - _LONGEST_DELAY


def _are_joined(packets: Iterable[Any]) -> bool:
    """Tell whether two films were joined between packets, which looks like a loss to a transport stream."""
    times = [packet.dts for packet in packets if packet.dts is not None]
    return any(later < earlier for earlier, later in pairwise(times))
