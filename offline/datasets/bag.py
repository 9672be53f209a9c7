"""A rosbag (ROS 2 sqlite3 or mcap, ROS 1): the frames of one camera, with the labels of a label topic, or without."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from uda_seg_ros.labels import LABEL_SPACES
from uda_seg_ros.recordings.bag import BagError, bag_files, open_bag
from uda_seg_ros.recordings.cameras import COMPRESSED, LABEL_TOPIC, choose_images, choose_labels, to_rgb
from uda_seg_ros.recordings.encodings import ConversionError
from uda_seg_ros.recordings.images import image_to_mask, stamp_of

from ..storage.frame_store import StoredFrame, to_jpeg, to_png
from .decoded import DecodedRecording, Decoding
from .label_space import check_space
from .stamps import pair

_HOPELESS = 10  # if none of the first so many messages is a picture, none will be


@dataclass(frozen=True)
class Topics(Decoding):
    """topic: of the camera, '' where there is just one. label_topic: of mono8 images of train ids; frames without a label
    are left out, and the stride goes over those left. label_space: what the ids mean. tolerance_ms: a label belongs to the
    frame of the same stamp, else to the nearest within this.
    """

    topic: str = ''
    label_topic: str = ''
    label_space: str = ''
    tolerance_ms: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_space(self.label_space, 'label_topic', self.label_topic)
        if self.tolerance_ms < 0:
            raise ValueError('tolerance_ms must not be negative')


class Bag(DecodedRecording):
    """A topic '/camera/label' is never taken for a camera. Damaged frames are left out, and a bag that breaks off is used up
    to there, both with a warning.
    """

    Config = Topics

    def __init__(self, root: Path, config: Topics) -> None:
        if config.label_topic:
            self.labels = LABEL_SPACES[config.label_space]
        super().__init__(root, config)

    def files(self) -> list[Path]:
        return bag_files(self.root)

    @functools.cached_property
    def _contents(self) -> tuple[dict[str, str], dict[str, int]]:
        """Type and number of messages by topic. Asked once: a bag without an index is gone through for it."""
        with open_bag(self.root) as bag:
            return bag.topics(), {topic: bag.count(topic) for topic in bag.topics()}

    def _camera(self) -> tuple[str, str]:
        """Topic and type of the camera. Raises BagError."""
        topics, labels = self._contents[0], self.config.label_topic
        if labels:
            choose_labels(self.root, topics, labels)
        topic = choose_images(self.root, topics, self.config.topic, labels or LABEL_TOPIC, 'topic=')
        return topic, topics[topic]

    def num_expected(self) -> int:
        topics = [topic for topic in (self._camera()[0], self.config.label_topic) if topic]
        return -(-min(self._contents[1][topic] for topic in topics) // self.config.stride)

    def frames(self, notes: list[str]) -> Iterator[StoredFrame]:
        topic, kind = self._camera()
        found, damaged, first = 0, 0, ''
        for number, message, label in self._labelled(topic, notes) if self.labels else self._plain(topic, notes):
            try:
                image = to_rgb(message, kind)
            except ConversionError as error:
                damaged, first = damaged + 1, first or str(error)
                if damaged == _HOPELESS and not found:
                    break
                continue
            content = bytes(message.data) if kind == COMPRESSED else to_jpeg(image)
            yield StoredFrame(number, stamp_of(message), content, None if label is None else self._ids(label, image))
            found += 1
        if damaged:
            notes.append(f'{damaged} messages of {topic} cannot be read and are left out; the first: {first}')
        if not found:
            raise BagError(f'{self.root}: no frame of {topic} can be used{": " * bool(notes)}{"; ".join(notes)}')

    def _plain(self, topic: str, notes: list[str]) -> Iterator[tuple[int, Any, None]]:
        return ((number, message, None) for number, message in self._messages(topic, notes)
                if number % self.config.stride == 0)

    def _labelled(self, topic: str, notes: list[str]) -> Iterator[tuple[int, Any, Any]]:
        """(number, message, label message): the bag is gone through twice, side by side, so one frame is in memory."""
        images, labels = self._messages(topic, notes), self._messages(self.config.label_topic, notes)
        for number, place in self._pairs(topic, notes)[::self.config.stride]:
            message = next((message for at, message in images if at == number), None)
            label = next((message for at, message in labels if at == place), None)
            if message is None or label is None:
                return
            yield number, message, label

    def _pairs(self, topic: str, notes: list[str]) -> list[tuple[int, int]]:
        """(place of the picture, place of its label) in both topics, both rising."""
        stamps = [[stamp_of(message) for _, message in self._messages(name, notes)]
                  for name in (topic, self.config.label_topic)]
        pairs, last = [], -1
        for number, place in sorted(pair(*stamps, tolerance=round(self.config.tolerance_ms * 1e6))):
            if place > last:
                pairs.append((number, place))
                last = place
        for name, count in ((topic, len(stamps[0]) - len(pairs)), (self.config.label_topic, len(stamps[1]) - len(pairs))):
            if count:
                notes.append(f'{count} of {len(pairs) + count} messages of {name} have no counterpart within '
                             f'{self.config.tolerance_ms:g} ms')
        return pairs

    def _messages(self, topic: str, notes: list[str]) -> Iterator[tuple[int, Any]]:
        """(number, message) of a topic, up to where a damaged bag breaks off; that is noted once."""
        with open_bag(self.root) as bag:
            try:
                yield from ((number, message) for number, (_, _, message) in enumerate(bag.messages([topic])))
            except BagError as error:
                if str(error) not in notes:
                    notes.append(str(error))

    def _ids(self, message: Any, image: np.ndarray) -> bytes:
        try:
            ids = image_to_mask(message)
        except ConversionError as error:
            raise BagError(f'{self.root}: topic {self.config.label_topic!r} holds no labels: {error}') from error
        if ids.shape != image.shape[:2]:
            raise BagError(f'{self.root}: labels of {self.config.label_topic!r} have {ids.shape[1]}x{ids.shape[0]} pixels, '
                           f'the pictures {image.shape[1]}x{image.shape[0]}')
        return to_png(ids)

    def label(self, index: int) -> np.ndarray | None:
        return None if self.labels is None else self._store.label(index)

    def name(self, index: int) -> str:
        return f'{super().name(index)}_{self._store.stamp_ns(index)}'

    def key(self) -> str | None:
        return None if self.labels is None else self._key
