"""The times of a film's frames, which tell how many are missing where packets are lost."""

from __future__ import annotations

from collections import deque

_JITTER = 0.1  # of the time between frames; containers round it
_MOST_GAPS = 32


class Pace:
    """Takes the times of the frames in the order of display.

    Args:
        usual: the time between frames by the film's own account, 0 if it says nothing. All times are in the
            stream's unit.
    """

    def __init__(self, usual: int) -> None:
        self.last: int | None = None
        """The time of the last frame."""
        self.step: int | None = None
        """The time between frames where all was well; 0 if it varies, None if it is not known."""
        self._usual = usual
        self._gaps: deque[range] = deque(maxlen=_MOST_GAPS)

    def missing(self, pts: int, counted: int, *, damaged: bool) -> int:
        """Take a frame's time, and return how many frames are missing before it.

        Args:
            pts: its time.
            counted: how many frames there were since the last one whose time was taken.
            damaged: whether any may be missing. Where all is well, a longer time is the film's own.
        """
        count = 0
        if self.last is not None and pts > self.last:
            passed = pts - self.last
            step = self._usual if self.step is None else self.step
            if not damaged:
                self._learn(passed)
            elif step:
                count = max(0, round(passed / step) - 1 - counted)
        if count and self.last is not None:
            self._gaps.append(range(self.last + 1, pts))
        if not damaged or self.last is None or pts > self.last:
            self.last = pts
        return count

    def is_counted(self, pts: int | None) -> bool:
        """Tell whether a frame that comes out late was counted as missing."""
        return pts is not None and any(pts in gap for gap in self._gaps)

    def _learn(self, passed: int) -> None:
        if self.step is None:
            self.step = passed
        elif abs(passed - self.step) > 1 + _JITTER * self.step:
            self.step = 0
