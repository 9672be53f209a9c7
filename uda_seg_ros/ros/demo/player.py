"""Sends the frames of a drive when they are due."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from itertools import islice

from rclpy.publisher import Publisher

from .sources import Source


@dataclass(frozen=True)
class Sent:
    """One frame that was sent. due_ns: after the first. sent_ns: monotonic clock, just before it was published."""

    index: int
    stamp_ns: int
    due_ns: int
    sent_ns: int


class Player(threading.Thread):
    """Plays a source in a thread of its own: each frame is read ahead, then sent at its time.

    sent: the frames so far. late_ms: the latest a frame was behind its time. error: what ended the playing early, or None.
    """

    def __init__(self, publisher: Publisher, source: Source, limit: int | None = None) -> None:
        """limit: play so many frames at most."""
        super().__init__(name='player', daemon=True)
        self._publisher, self._source, self._limit = publisher, source, limit
        self._stop_asked = threading.Event()
        self.sent: list[Sent] = []
        self.late_ms = 0.0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._play()
        except Exception as error:  # handed to the main thread, which knows what to tell
            self.error = error

    def _play(self) -> None:
        start_ns = None
        for shot in islice(self._source.shots(), self._limit):
            now_ns = time.monotonic_ns()
            start_ns = now_ns - shot.due_ns if start_ns is None else start_ns
            wait_s = (start_ns + shot.due_ns - now_ns) / 1e9
            if self._stop_asked.wait(max(0.0, wait_s)):
                return
            # The record is made first: the mask of a quick node may be here before publish() returns.
            sent_ns = time.monotonic_ns()
            self.late_ms = max(self.late_ms, (sent_ns - start_ns - shot.due_ns) / 1e6)
            self.sent.append(Sent(shot.index, shot.stamp_ns, shot.due_ns, sent_ns))
            self._publisher.publish(shot.message)

    def stop(self) -> None:
        """End the playing after the current frame, and wait for that."""
        self._stop_asked.set()
        if self.is_alive():
            self.join(5.0)
