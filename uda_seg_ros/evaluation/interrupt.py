"""Ctrl-C ends an evaluation after the frame in work, so that what was seen becomes figures and a page."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar('T')
EXIT_CODE = 128 + signal.SIGINT


class Interruptible:
    """asked: whether Ctrl-C was pressed. A second one ends the program at once, as ever. In the main thread only."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, values: Iterable[T]) -> Iterator[T]:
        """The values, until Ctrl-C."""
        before = signal.getsignal(signal.SIGINT)

        def ask(*_: object) -> None:
            self.asked = True
            signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGINT, ask)
        try:
            for value in values:
                if self.asked:
                    return
                yield value
        finally:
            signal.signal(signal.SIGINT, before)
