"""Several bags as one drive: each picture once, in the order of the stamps, with the label of the same stamp."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..recordings.bag import BagError, open_bag
from ..recordings.cameras import choose_images, choose_labels, to_rgb
from ..recordings.images import stamp_of
from . import EvaluationError
from .label_sources import LabelFiles, LabelTopic, NoLabels

HELD = 4  # messages that wait to be put in order; they come out of order by one or two, where they do
BETWEEN_NS = 1_000_000_000  # of the time from one bag to the next no more counts: a night between two drives is no drive


@dataclass(frozen=True)
class Part:
    """One bag of a drive. kind: message type of its pictures. label_topic: '' for none. first_ns: stamp of the first."""

    path: Path
    topic: str
    kind: str
    label_topic: str
    num_pictures: int
    first_ns: int


@dataclass(frozen=True)
class Cut:
    """What of a drive is evaluated: from start_s on, for duration_s, every stride-th picture."""

    start_s: float = 0.0
    duration_s: float = float('inf')
    stride: int = 1


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture, not decoded yet. time_s: driven since the first picture, bag_time_s: since its bag's. bag: its number.

    label: gives HxW uint8 train ids; None where no label has this stamp.
    """

    stamp_ns: int
    time_s: float
    bag: int
    bag_time_s: float
    message: Any
    kind: str
    label: Callable[[], np.ndarray] | None

    def image(self) -> np.ndarray:
        """HxWx3 uint8 RGB. Raises ConversionError."""
        return to_rgb(self.message, self.kind)


def look_into(path: Path, image_topic: str, label_topic: str) -> Part:
    """What a bag holds, by its beginning. Raises BagError, which lists the topics, if it does not hold what is asked for."""
    with open_bag(path) as bag:
        topics = bag.topics()
        labels = choose_labels(path, topics, label_topic)
        topic = choose_images(path, topics, image_topic, labels, '--image-topic')
        first = next(_stamped(bag.messages([topic])), None)
        if first is None:
            raise BagError(f'{path}: topic {topic!r} holds no message')
        return Part(path, topic, topics[topic], labels, bag.count(topic), first[0])


class Drive:
    """The pictures of bags, which can be gone through once.

    breaks: of bags that end before their end, in words. counts: 'repeated' stamps, 'labels_without_frame'. digest: of the
    stamps and data of all pictures given out so far. length_s: as far as it was read.
    """

    def __init__(self, parts: Sequence[Part], cut: Cut = Cut(), labels: LabelFiles | None = None) -> None:
        self._parts = sorted(parts, key=lambda part: part.first_ns)
        self.cut, self._files = cut, labels
        self.breaks: list[str] = []
        self.counts: Counter[str] = Counter()
        self.length_s = 0.0
        self._digest = hashlib.sha256()
        topics = {part.topic for part in parts}
        if len({part.path.resolve() for part in parts}) < len(parts):
            raise EvaluationError('a bag is named twice')
        self.topics = sorted(topics)

    @property
    def parts(self) -> tuple[Part, ...]:
        """In the order of time."""
        return tuple(self._parts)

    @property
    def num_pictures(self) -> int:
        """As the bags state it, of all, whatever the cut."""
        return sum(part.num_pictures for part in self._parts)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def shots(self, passed: Callable[[int], None] = lambda number: None) -> Iterator[Shot]:
        """Those that the cut leaves. passed: gets the number of pictures gone by, those left out too.

        A stamp that is not newer than the one before belongs to a picture that was there already: it is left out.
        """
        begin_ns, last_ns, last_bag, number = None, -1, 0, 0
        for bag, part in enumerate(self._parts):
            labels, first_ns = self._labels_of(part), None
            with open_bag(part.path) as opened:
                for stamp_ns, message in in_order(self._whole(_stamped(opened.messages([part.topic])))):
                    passed(1)
                    first_ns = stamp_ns if first_ns is None else first_ns  # in order, so that none is before it
                    begin_ns = first_ns if begin_ns is None else begin_ns
                    if stamp_ns <= last_ns:
                        self.counts['repeated'] += 1
                        continue
                    if bag != last_bag:
                        begin_ns, last_bag = begin_ns + max(0, stamp_ns - last_ns - BETWEEN_NS), bag
                    time_s = (stamp_ns - begin_ns) / 1e9
                    if time_s >= self.cut.start_s + self.cut.duration_s:
                        self._note(labels)
                        return
                    last_ns, self.length_s = stamp_ns, time_s
                    label = labels.take(stamp_ns, counted=time_s >= self.cut.start_s)
                    if time_s < self.cut.start_s:
                        continue
                    number += 1
                    if (number - 1) % self.cut.stride == 0:
                        self._digest.update(stamp_ns.to_bytes(8, 'little') + memoryview(message.data).cast('B'))
                        yield Shot(stamp_ns, time_s, bag, (stamp_ns - first_ns) / 1e9, message, part.kind, label)
            if labels is not self._files:
                labels.drain()
                self._note(labels)
        if self._files is not None:
            self._files.drain()
            self._note(self._files)

    def _labels_of(self, part: Part) -> LabelFiles | LabelTopic | NoLabels:
        """Files, also when all of them are used up, else the bag's own."""
        if self._files is not None:
            return self._files
        return LabelTopic(part.path, part.label_topic) if part.label_topic else NoLabels()

    def _note(self, labels: LabelFiles | LabelTopic | NoLabels) -> None:
        self.counts['labels_without_frame'] += labels.unmatched
        self.breaks += labels.breaks

    def _whole(self, messages: Iterable) -> Iterator:
        """What comes before the place where a damaged bag breaks off, which is told."""
        try:
            yield from messages
        except BagError as error:
            self.breaks.append(str(error))


def _stamped(messages: Iterable[tuple[str, int, Any]]) -> Iterator[tuple[int, Any]]:
    """(stamp, message); the time of arrival stands in for a stamp of 0, which in ROS means none."""
    for _, receive_ns, message in messages:
        yield stamp_of(message) or receive_ns, message


def in_order(stamped: Iterable[tuple[int, Any]], held: int = HELD) -> Iterator[tuple[int, Any]]:
    """By stamp, as far as messages are out of order by less than `held` places."""
    waiting: list[tuple[int, int, Any]] = []
    for place, (stamp_ns, message) in enumerate(stamped):
        heapq.heappush(waiting, (stamp_ns, place, message))
        if len(waiting) > held:
            yield heapq.heappop(waiting)[::2]
    while waiting:
        yield heapq.heappop(waiting)[::2]
