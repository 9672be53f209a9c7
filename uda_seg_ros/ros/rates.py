"""Rates, durations and losses over the last moments: what diagnostics tell of."""

from __future__ import annotations

from collections import deque

import numpy as np

WINDOW = 90  # events that a rate or a percentile is taken over: 3 s of a camera at 30 Hz


class Rate:
    """Events a second over the last WINDOW events. Times are monotonic nanoseconds."""

    def __init__(self) -> None:
        self._times = deque(maxlen=WINDOW)

    def tick(self, now_ns: int) -> None:
        self._times.append(now_ns)

    def hz(self, now_ns: int) -> float:
        """0 with fewer than two events, or when the next one is long overdue."""
        times = tuple(self._times)
        if len(times) < 2 or times[-1] == times[0]:
            return 0.0
        period = (times[-1] - times[0]) / (len(times) - 1)
        return 0.0 if now_ns - times[-1] > max(10 * period, 2e9) else 1e9 / period


class Durations:
    """Milliseconds of the last WINDOW runs of something."""

    def __init__(self) -> None:
        self._values = deque(maxlen=WINDOW)

    def add(self, value_ms: float) -> None:
        self._values.append(value_ms)

    def clear(self) -> None:
        self._values.clear()

    def percentile(self, percent: float) -> float:
        """In ms; nan without a value."""
        values = tuple(self._values)
        return float(np.percentile(values, percent)) if values else float('nan')


class Spacing:
    """Counts the frames that never arrived, by the gaps between the stamps of those that did.

    The period is estimated from the last gaps, most of which may be several periods long: a low quantile tells roughly how
    many each, and their sum how long one is. If hardly any two frames in succession arrive, `lost` is a lower bound. A gap
    of more than PAUSE periods is a camera that paused.
    """

    PAUSE = 30
    MIN_GAPS = 5

    def __init__(self) -> None:
        self.lost = 0
        self.loops = 0
        self._last_ns: int | None = None
        self._gaps = deque(maxlen=30)

    def add(self, stamp_ns: int) -> bool:
        """Count one arrival. False if its stamp lies before the last one: a bag that loops, a clock that was set back."""
        gap, self._last_ns = stamp_ns - (stamp_ns if self._last_ns is None else self._last_ns), stamp_ns
        if gap < 0:
            self.loops += 1
            self._gaps.clear()
            return False
        if gap > 0:
            self._gaps.append(gap)
            self._count(gap)
        return True

    def _count(self, gap: int) -> None:
        if len(self._gaps) < self.MIN_GAPS:
            return
        rough = sorted(self._gaps)[len(self._gaps) // 5]
        periods = gap * sum(round(other / rough) for other in self._gaps) / sum(self._gaps)
        if periods < self.PAUSE:
            self.lost += round(periods) - 1
