"""Simulated time: what a device has time for between two frames. Never the wall clock, so that results repeat."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import StreamError


@dataclass(frozen=True)
class Pace:
    """A device that does `forwards` forward passes of the network from one frame of the camera to the next.

    8 is a network of 12.5 ms at 10 Hz. background: forward passes that a learner beside inference may do from one frame of a
    stream, which are a second apart, to the next: 20 are a quarter of the time of a device of 80 a second.
    """

    forwards: float = 8.0
    background: float = 20.0

    def __post_init__(self) -> None:
        if self.forwards < 1 or self.background < 0:
            raise StreamError('a pace needs at least 1 forward pass a frame, and 0 or more in the background')


PACE = Pace()


class Clock:
    """A camera's slot of one frame before a device that adapts and segments in turn.

    A frame that arrives while the device is busy waits; if the next arrives before it was taken, it is lost.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._busy = 0.0  # forwards left to do when a frame arrives

    def arrives(self) -> bool:
        """A frame arrives: whether it will be taken before the next one."""
        if self._busy < self._pace.forwards:
            return True
        self._busy -= self._pace.forwards
        return False

    def spend(self, forwards: float) -> None:
        """The frame that arrived took so many forwards in all."""
        self._busy = max(0.0, self._busy + forwards - self._pace.forwards)
