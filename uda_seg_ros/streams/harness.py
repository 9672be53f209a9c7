"""Runs one method over one stream: each frame is predicted with what was learned before it arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from ..labels import LabelSpace, mapping
from .clock import PACE, Clock, Pace
from .footage import Footage
from .methods.base import Method
from .trace import Happening, Trace, count

Seen = Callable[[int, np.ndarray], dict[str, float]]


class Judge:
    """Compares masks of a bundle's classes with labels of a drive's, in the smaller of the two label spaces."""

    def __init__(self, masks: LabelSpace, labels: LabelSpace) -> None:
        smaller = min(labels, masks, key=lambda space: space.num_classes)
        self.num_classes = smaller.num_classes
        self._masks, self._labels = mapping(masks, smaller), mapping(labels, smaller)

    def __call__(self, label: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """3xC int64: see trace.count."""
        return count(self._labels[label], self._masks[mask], self.num_classes)


def run(method: Method, footage: Footage, judge: Judge, pace: Pace = PACE, *, seen: Seen | None = None,
        progress: Callable[[Iterable[int]], Iterable[int]] = iter) -> Trace:
    """The trace of a method.

    A frame that finds the device still at work on earlier ones is lost: the mask before it is served again. seen: gives
    signals of (frame number, served mask). progress: wraps the frame numbers.
    """
    clock = Clock(pace)
    counts = np.zeros((len(footage), 3, judge.num_classes), np.int64)
    lost = np.zeros(len(footage), bool)
    happenings: list[Happening] = []
    signals: dict[str, np.ndarray] = {}
    mask = None
    for index in progress(range(len(footage))):
        found: dict[str, float] = {}
        if clock.arrives():
            answer = method(footage.frame(index), index)
            mask = answer.mask
            happenings += [Happening(index, kind, text) for kind, text in answer.events]
            found.update(answer.signals)
            clock.spend(answer.forwards)
        else:
            lost[index] = True
        counts[index] = judge(footage.label(index), mask)
        found.update(seen(index, mask) if seen else {})
        for name, value in found.items():
            signals.setdefault(name, np.full(len(footage), np.nan))[index] = value
    return Trace(counts, lost, tuple(happenings), signals)
