"""The adapter beside the pictures: interleaved by their count, or on a simulated clock of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from ..online.status import AdaptationStatus, Event
from ..structures import Frame, Weights


class Learner(Protocol):
    """Times are in ns on the drive's clock."""

    def take(self, now_ns: int) -> Weights | None:
        """The newest weights that are there by now and were not taken yet."""

    def offer(self, frame: Frame, now_ns: int) -> None:
        """A picture whose mask came out now."""

    def events(self) -> tuple[Event, ...]:
        """What happened since the last call."""

    @property
    def status(self) -> AdaptationStatus | None: ...


class NoLearner:
    """The frozen network alone."""

    status = None

    def take(self, now_ns: int) -> Weights | None:
        return None

    def offer(self, frame: Frame, now_ns: int) -> None:
        pass

    def events(self) -> tuple[Event, ...]:
        return ()


class Interleaved:
    """After each picture it is observed, then so many pieces of work are done at most: the same on every computer."""

    def __init__(self, adapter: Any, pieces: int) -> None:
        self._adapter, self._pieces = adapter, pieces
        self._weights: Weights | None = None
        self._news = News()

    def take(self, now_ns: int) -> Weights | None:
        weights, self._weights = self._weights, None
        return weights

    def offer(self, frame: Frame, now_ns: int) -> None:
        self._keep(self._adapter.observe(frame))
        for _ in range(self._pieces):
            if not self._adapter.busy:
                break
            self._keep(self._adapter.update())

    def _keep(self, weights: Weights | None) -> None:
        self._weights = self._weights if weights is None else weights

    def events(self) -> tuple[Event, ...]:
        return self._news(self.status)

    @property
    def status(self) -> AdaptationStatus:
        return self._adapter.status


class Beside:
    """On a processor of its own: each piece of work takes as long as was measured, and rests make up for max_duty."""

    def __init__(self, adapter: Any, max_duty: float, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._adapter, self._max_duty, self._clock = adapter, max_duty, clock
        self._now_ns = 0
        self._slot: Frame | None = None
        self._ready: list[tuple[int, Weights]] = []
        self._news = News()

    def take(self, now_ns: int) -> Weights | None:
        self._work_until(now_ns)
        there = [weights for ready_ns, weights in self._ready if ready_ns <= now_ns]
        self._ready = self._ready[len(there):]
        return there[-1] if there else None

    def offer(self, frame: Frame, now_ns: int) -> None:
        self._work_until(now_ns)
        self._slot = frame

    def _work_until(self, now_ns: int) -> None:
        while self._now_ns < now_ns and (self._slot is not None or self._adapter.busy):
            began_ns = self._clock()
            frame, self._slot = self._slot, None
            weights = self._adapter.update() if frame is None else self._adapter.observe(frame)
            took_ns = self._clock() - began_ns
            if weights is not None:
                self._ready.append((self._now_ns + took_ns, weights))
            self._now_ns += max(1, round(took_ns / self._max_duty))
        self._now_ns = max(self._now_ns, now_ns)

    def events(self) -> tuple[Event, ...]:
        return self._news(self.status)

    @property
    def status(self) -> AdaptationStatus:
        return self._adapter.status


class News:
    """Of a status, which holds the last events only, those that were not there before."""

    def __init__(self) -> None:
        self._told: tuple[Event, ...] = ()

    def __call__(self, status: AdaptationStatus) -> tuple[Event, ...]:
        known = set(map(id, self._told))
        self._told = status.events
        return tuple(event for event in status.events if id(event) not in known)
