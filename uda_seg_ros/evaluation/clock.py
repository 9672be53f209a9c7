"""When a picture is segmented: one after the other, or as on a robot, where the newest wins. Never the wall clock."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Times are in ns on the drive's own clock, that of the stamps."""

    def begins(self, stamp_ns: int, next_ns: int | None) -> int | None:
        """When the picture of this stamp is taken up; None if the next one, of next_ns, has taken its place by then."""

    def ends(self, begin_ns: int, took_ns: int) -> int:
        """The picture taken up then took so long: when its mask is out."""


class Sequential:
    """Every picture, each at its own stamp."""

    def begins(self, stamp_ns: int, next_ns: int | None) -> int | None:
        return stamp_ns

    def ends(self, begin_ns: int, took_ns: int) -> int:
        return begin_ns


class Realtime:
    """A slot of one picture before a device that is busy for as long as was measured; it waits for none."""

    def __init__(self) -> None:
        self._free_ns = 0

    def begins(self, stamp_ns: int, next_ns: int | None) -> int | None:
        begin_ns = max(stamp_ns, self._free_ns)
        return None if next_ns is not None and next_ns <= begin_ns else begin_ns

    def ends(self, begin_ns: int, took_ns: int) -> int:
        self._free_ns = begin_ns + took_ns
        return self._free_ns
