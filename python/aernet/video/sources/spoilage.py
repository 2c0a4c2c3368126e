"""Which frames of a film are spoilt by a damaged one, as they are drawn upon it."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where a packet, and the frame that comes out of it, stands in a film."""

    number: int
    """Of the packet, in the order of decoding."""
    group: int
    """How many key frames there were so far, this one included."""
    pts: int | None
    """The time at which the frame is shown, in the stream's unit."""


class Spoilage:
    """Takes the packets of a film in the order of decoding, and knows what a damaged one spoils.

    These are the frames that are decoded after it in its group, which begins with a key frame, and those of
    the next group that are shown before the key frame of that.
    """

    def __init__(self) -> None:
        self._keys: dict[int, Place] = {}  # the first packet of a group
        self._damaged: dict[int, int] = {}  # the number of the first damaged packet of a group
        self._inherited: set[int] = set()  # groups that are spoilt by the group before

    def __bool__(self) -> bool:
        return bool(self._damaged)

    def begin(self, place: Place) -> None:
        """Take the first packet of a group."""
        self._keys[place.group] = place

    def add(self, place: Place) -> None:
        """Note that a packet is damaged, or that one before it is missing."""
        self._damaged[place.group] = min(place.number, self._damaged.get(place.group, place.number))

    def inherit(self, place: Place) -> None:
        """Note that a group's key frame is no whole picture: the group renews it stripe by stripe."""
        earlier = place.group - 1
        if place == self._keys[place.group] and earlier in self._damaged and earlier not in self._inherited:
            self.add(place)
            self._inherited.add(place.group)

    def leads(self, place: Place) -> bool:
        """Tell whether a frame is shown before the key frame that it is decoded after."""
        key = self._keys[place.group]
        return place.group > 0 and place.pts is not None and key.pts is not None and place.pts < key.pts

    def includes(self, place: Place) -> bool:
        """Tell whether a frame is damaged or spoilt."""
        first = self._damaged.get(place.group)
        if first is not None and first <= place.number:
            return True
        return self.leads(place) and place.group - 1 in self._damaged

    def is_near(self, place: Place) -> bool:
        """Tell whether there is damage in the group of a frame, or in the one before."""
        return place.group in self._damaged or place.group - 1 in self._damaged
