"""Segments a drive picture by picture and gives what was seen to whoever wants it. Holds one picture at a time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, pairwise
from typing import Protocol

import numpy as np

from ..recordings import RecordingError
from ..recordings.encodings import ConversionError
from ..runtime.engine import Engine
from ..structures import Frame
from .clock import Clock
from .consistency import Consistency
from .drive import Shot
from .judge import Judge
from .learners import Learner
from .line import Seen
from .networks import ShiftMeter, View, look


class Sink(Protocol):
    """Takes what was seen, and keeps no picture of it."""

    def add(self, seen: Seen) -> None: ...
    def drop(self, shot: Shot) -> None: ...
    def close(self) -> None: ...


class Run:
    """counts: 'undecodable' pictures and labels ('undecodable_labels'), and 'void_labels', which hold no class.

    complaints: the first of each, in words, and what else is worth knowing.
    """

    def __init__(self, served: Engine, frozen: Engine | None, learner: Learner, clock: Clock, judge: Judge,
                 meter: ShiftMeter) -> None:
        """frozen: None where nothing adapts: then what is served is the frozen network."""
        self._served, self._frozen, self._learner, self._clock = served, frozen, learner, clock
        self._judge, self._meter, self._consistency = judge, meter, Consistency()
        self.counts: Counter[str] = Counter()
        self._warm = False
        self.complaints: dict[str, str] = {'shift': f'There is no shift score: {meter.missing}'} if meter.missing else {}

    def __call__(self, shots: Iterable[Shot], sinks: Iterable[Sink]) -> None:
        sinks = tuple(sinks)
        for shot, following in with_next(shots):
            begin_ns = self._clock.begins(shot.stamp_ns, following.stamp_ns if following else None)
            if begin_ns is None:
                for sink in sinks:
                    sink.drop(shot)
                continue
            seen = self._see(shot, begin_ns)
            if seen is not None:
                for sink in sinks:
                    sink.add(seen)

    def _see(self, shot: Shot, begin_ns: int) -> Seen | None:
        weights = self._learner.take(begin_ns)
        if weights is not None:
            self._served.load_weights(weights)
        began_ns = time.perf_counter_ns()
        image = self._decoded('undecodable', shot.image)
        decode_ns = time.perf_counter_ns() - began_ns
        if image is None:
            return None
        if not self._warm:  # the first pass pays for a start, several times what any later one takes
            look(self._served, image)
            self._warm = True
        served = look(self._served, image)
        took_ns = decode_ns + served.took_ns
        end_ns = self._clock.ends(begin_ns, took_ns)
        frozen = look(self._frozen, image) if self._frozen else served
        waited_ns = begin_ns - shot.stamp_ns
        label = self._label(shot)
        consistency = self._consistency(shot.stamp_ns, image, [served.mask, frozen.mask])
        version = self._served.weights_version
        self._learner.offer(Frame(image, shot.stamp_ns), end_ns)
        return Seen(shot, image, served, frozen, version, (waited_ns + took_ns) / 1e6, self._meter(image, frozen),
                    tuple(consistency), label, self._confusions(label, served, frozen), self._learner.events(),
                    self._learner.status)

    def _label(self, shot: Shot) -> np.ndarray | None:
        """In the judge's space. A label without a pixel of any class there is none."""
        label = self._decoded('undecodable_labels', shot.label) if shot.label else None
        label = None if label is None else self._judge.label(label)
        if label is None or (label < self._judge.space.num_classes).any():
            return label
        self.counts['void_labels'] += 1
        self.complaints.setdefault('void_labels', 'Some labels hold no pixel of a class of '
                                   f'{self._judge.space.name}, and count as none; if that is wrong, look at --label-space.')
        return None

    def _confusions(self, label: np.ndarray | None, *views: View) -> tuple[np.ndarray, np.ndarray] | None:
        return None if label is None else tuple(self._judge(label, view.mask) for view in views)

    def _decoded(self, name: str, decode: Callable[[], np.ndarray]) -> np.ndarray | None:
        try:
            return decode()
        except (ConversionError, RecordingError) as error:
            self.counts[name] += 1
            self.complaints.setdefault(name, str(error))
            return None


def with_next(shots: Iterable[Shot]) -> Iterator[tuple[Shot, Shot | None]]:
    """Each with the one after it, the last with None."""
    return pairwise(chain(shots, [None]))
