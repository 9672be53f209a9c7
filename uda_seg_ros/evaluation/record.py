"""result.jsonl read again: a few numbers a picture, and sums. All that is told of a drive is made of this."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..online.status import Event
from .judge import dense

NAN = float('nan')


class Track:
    """What one network did over a drive. N segmented pictures, L of them labelled.

    confidence, entropy, consistency: N float64, NaN where not told. classes: pixels by train id. confusion: Cx(C+1) int64.
    counts: Lx3xC int64 as streams.trace.count.
    """

    def __init__(self, num_classes: int) -> None:
        self._numbers = {name: array('d') for name in ('confidence', 'entropy', 'temporal_consistency')}
        self.classes: Counter[int] = Counter()
        self.confusion = np.zeros((num_classes, num_classes + 1), np.int64)
        self._counts = array('q')

    def add(self, result: dict[str, Any]) -> None:
        for name, values in self._numbers.items():
            values.append(number(result[name]))
        for train_id, pixels in result['classes'].items():
            self.classes[int(train_id)] += pixels
        if 'confusion' in result:
            matrix = dense(result['confusion'], len(self.confusion))
            self.confusion += matrix
            square = matrix[:, :-1]
            for row in (np.diagonal(square), matrix.sum(axis=1), square.sum(axis=0)):
                self._counts.extend(row.tolist())

    @property
    def confidence(self) -> np.ndarray:
        return np.array(self._numbers['confidence'])

    @property
    def entropy(self) -> np.ndarray:
        return np.array(self._numbers['entropy'])

    @property
    def consistency(self) -> np.ndarray:
        return np.array(self._numbers['temporal_consistency'])

    @property
    def counts(self) -> np.ndarray:
        return np.array(self._counts, np.int64).reshape(-1, 3, len(self.confusion))


@dataclass(frozen=True)
class Mark:
    """An event at a time of the drive."""

    time_s: float
    event: Event


class Record:
    """time_s, latency_ms, shift, agreement, version: N numbers of the segmented pictures. labelled: places of those with
    labels among them. bag: their bags' numbers. dropped_s: times of the dropped. starts_s: where a further bag begins.
    frozen: None where nothing adapted.
    """

    def __init__(self, lines: Iterable[str], num_classes: int) -> None:
        self.served, self.frozen = Track(num_classes), None
        self._numbers = {name: array('d') for name in ('time_s', 'latency_ms', 'shift_score', 'agreement', 'bag', 'version')}
        self.labelled: list[int] = []
        self.dropped_s: list[float] = []
        self.starts_s: list[float] = []
        self.marks: list[Mark] = []
        self._last_bag: int | None = None
        for line in lines:
            self._add(json.loads(line), num_classes)

    def _add(self, line: dict[str, Any], num_classes: int) -> None:
        result, frame = line['Result'], line['Frame']
        if self._last_bag not in (None, frame['bag']):
            self.starts_s.append(frame['time_s'])
        self._last_bag = frame['bag']
        if result.get('dropped'):
            self.dropped_s.append(frame['time_s'])
            return
        if 'confusion' in result['served']:
            self.labelled.append(len(self))
        for name, value in (('time_s', frame['time_s']), ('latency_ms', result['latency_ms']), ('bag', frame['bag']),
                            ('shift_score', result['shift_score']), ('agreement', result.get('agreement')),
                            ('version', result['weights_version'])):
            self._numbers[name].append(number(value))
        self.served.add(result['served'])
        if 'frozen' in result:
            self.frozen = self.frozen or Track(num_classes)
            self.frozen.add(result['frozen'])
        stamp = line['Stamp']['sec'] * 10**9 + line['Stamp']['nanosec']
        self.marks += [Mark(frame['time_s'], Event(event['kind'], stamp, event['text'])) for event in result['events']]

    def __len__(self) -> int:
        return len(self._numbers['time_s'])

    def __getattr__(self, name: str) -> np.ndarray:
        wanted = {'shift': 'shift_score'}.get(name, name)
        if wanted not in self.__dict__.get('_numbers', ()):
            raise AttributeError(name)
        return np.array(self._numbers[wanted])


def read(path: Path, num_classes: int) -> Record:
    with open(path, encoding='utf-8') as lines:
        return Record(lines, num_classes)


def number(value: float | None) -> float:
    return NAN if value is None else float(value)
