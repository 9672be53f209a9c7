"""A drive from a bag: one image topic, its own pace, and a label topic if there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...recordings.cameras import COMPRESSED, choose_images, choose_labels
from ..bag import BagError, open_bag
from ..convert import ConversionError, image_to_mask
from .sources import Shot, SourceError, SourceOptions, set_stamp, stamp_of


class BagSource:
    """See Source. The frames' stamps are the recorded ones; two of one stamp could not be told apart, so one is moved."""

    def __init__(self, path: Path, options: SourceOptions) -> None:
        """Raises BagError if the bag holds no image topic, or several and none is chosen, or is damaged."""
        self._path, self._rate_hz = path, options.rate_hz
        self.skipped, self.notes = 0, []
        if options.labels is not None:
            raise SourceError(f'{path}: the labels of a bag are a topic of it: use --label-topic, not --labels')
        with open_bag(path) as bag:
            topics = bag.topics()
            self._label_topic = choose_labels(path, topics, options.label_topic)
            self._topic = choose_images(path, topics, options.image_topic, self._label_topic, '--image-topic')
            self._length = bag.count(self._topic)
        self.compressed = topics[self._topic] == COMPRESSED
        self.has_labels = bool(self._label_topic)
        if self._length == 0:
            raise SourceError(f'{path}: topic {self._topic!r} holds no message')

    def __len__(self) -> int:
        return self._length

    def shots(self) -> Iterator[Shot]:
        self.notes = []
        seen: set[int] = set()
        moved, first_ns = 0, None
        with open_bag(self._path) as bag:
            for index, (_, receive_ns, message) in enumerate(self._whole_part(bag.messages([self._topic]))):
                first_ns = receive_ns if first_ns is None else first_ns
                stamp_ns = stamp_of(message)
                while stamp_ns in seen:
                    stamp_ns += 1
                moved += stamp_ns != stamp_of(message)
                seen.add(stamp_ns)
                set_stamp(message, stamp_ns)
                due_ns = round(index * 1e9 / self._rate_hz) if self._rate_hz else receive_ns - first_ns
                yield Shot(index, due_ns, message)
        if moved:
            self.notes.append(f'{moved} frames had the stamp of another frame and were given the next free nanosecond.')

    def _whole_part(self, messages: Iterator) -> Iterator:
        """What comes before the place where a damaged bag breaks off, and a note about it."""
        count = 0
        try:
            for item in messages:
                yield item
                count += 1
        except BagError as error:
            if count == 0:
                raise
            self.notes.append(f'{error}.')

    def labels(self) -> Iterator[tuple[int, np.ndarray]]:
        """Labels match frames by the header's stamp exactly."""
        if not self.has_labels:
            return
        with open_bag(self._path) as bag:
            for _, _, message in self._whole_part(bag.messages([self._label_topic])):
                try:
                    yield stamp_of(message), image_to_mask(message)
                except ConversionError as error:
                    raise SourceError(f'{self._path}: topic {self._label_topic!r} holds no labels: {error}') from error
