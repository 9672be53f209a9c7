"""Whether a learner that says nothing is at work, by the time that the kernel gave it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

WORKING, IDLING = 0.1, 0.01  # shares of a processor, above which a piece of work goes on, below which nothing does
ENDLESS = 10.0  # in silences allowed: so much of a processor's time without a word is an endless loop


class Pulse:
    """Of a process or thread. stat: its file in /proc."""

    def __init__(self, stat: Path) -> None:
        self._stat = stat
        self._said_s = self._looked_s = 0.0
        self.heard()

    def heard(self) -> None:
        """It has said something."""
        with contextlib.suppress(OSError):
            self._said_s = self._looked_s = activity(self._stat.read_text())[1]

    def excuse(self, limit_s: float, held: Callable[[], bool] = lambda: False) -> str:
        """Why it is silent although it is well, in words; '' if it hangs.

        To be asked every limit_s of silence. held: whether it is kept from running just now.
        """
        was_held = held()
        try:
            runnable, used_s = activity(self._stat.read_text())
        except OSError:
            return ''
        done_s, self._looked_s = used_s - self._looked_s, used_s
        piece_s = used_s - self._said_s
        if piece_s > ENDLESS * limit_s:
            return ''
        if done_s > WORKING * limit_s:
            return f'the learner is slow: a piece of its work has taken {piece_s:.0f} s of a processor, and goes on'
        if runnable or was_held or held() or done_s > IDLING * limit_s:
            return 'the learner starves: the computer has no time to spare for it, or lets it wait for a disk'
        return ''


def activity(stat: str) -> tuple[bool, float]:
    """Whether a process or thread would run if it were let, or waits for a disk; the seconds of a processor that it had."""
    fields = stat.rpartition(')')[2].split()  # the name before may hold anything
    return fields[0] in 'RD', (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
