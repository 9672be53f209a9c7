"""A place for one value between two threads: the newest wins, and the producer never waits."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar('T')
_EMPTY = object()


class Slot(Generic[T]):
    """Holds at most one value. dropped: how many were overwritten before anybody took them."""

    def __init__(self) -> None:
        self._value: object = _EMPTY
        self._filled = threading.Condition()
        self.dropped = 0

    def put(self, value: T) -> bool:
        """Leave a value. True if it replaced one that nobody had taken."""
        with self._filled:
            replaced = self._value is not _EMPTY
            self._value = value
            self.dropped += replaced
            self._filled.notify()
        return replaced

    def take(self, timeout: float | None = None) -> T | None:
        """Take the value out. Waits up to `timeout` seconds for one (None: for ever); None if none came."""
        with self._filled:
            if not self._filled.wait_for(lambda: self._value is not _EMPTY, timeout):
                return None
            value, self._value = self._value, _EMPTY
            return value
