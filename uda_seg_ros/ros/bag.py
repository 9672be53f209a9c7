"""Recorded bags as ROS's own messages: read by rosbag2_py where it is installed, and made into messages by rclpy.

Without rosbag2_py, and for ROS 1 bags always, the package `rosbags` reads the same bytes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message

from ..recordings import bag
from ..recordings.bag import Bag, BagError, describe_topics, is_bag
from ..recordings.readers import STORAGES, Reader, is_ros1, pure_reader

__all__ = ['Bag', 'BagError', 'describe_topics', 'is_bag', 'open_bag']


def open_bag(path: str | Path, reader: str = 'auto') -> Bag:
    """As recordings.bag.open_bag, with ROS's own messages.

    reader: 'rosbag2_py', 'rosbags', or 'auto': the first where it can be used.
    """
    return bag.open_bag(path, partial(_reader, name=reader), _decoder)


def _decoder(kind: str) -> Callable[[bytes], Any]:
    """Raises LookupError for a type that is not installed."""
    package, name = kind.split('/')[0], kind.split('/')[-1]
    try:
        message = getattr(importlib.import_module(f'{package}.msg'), name)
    except (ImportError, AttributeError) as error:
        raise LookupError(kind) from error
    return lambda content: deserialize_message(content, message)


def _reader(path: Path, name: str) -> Reader:
    if name == 'rosbags' or is_ros1(path):
        return pure_reader(path)
    try:
        return _InstalledReader(path)
    except ImportError:
        if name == 'rosbag2_py':
            raise
    return pure_reader(path)


class _InstalledReader:
    """ROS 2 bags by rosbag2_py. Each reading opens the bag anew, because its filter is set once."""

    def __init__(self, path: Path) -> None:
        import rosbag2_py
        self._library, self._path = rosbag2_py, path
        metadata = rosbag2_py.Info().read_metadata(str(path), STORAGES.get(path.suffix, ''))
        topics = metadata.topics_with_message_count
        self.topics = {topic.topic_metadata.name: topic.topic_metadata.type for topic in topics}
        self.counts = {topic.topic_metadata.name: topic.message_count for topic in topics}

    def _open(self) -> Any:
        metadata = self._path / 'metadata.yaml'
        compressed = metadata.exists() and 'compression_format: zstd' in metadata.read_text(encoding='utf-8')
        bag = self._library.SequentialCompressionReader() if compressed else self._library.SequentialReader()
        storage = self._library.StorageOptions(uri=str(self._path), storage_id=STORAGES.get(self._path.suffix, ''))
        bag.open(storage, self._library.ConverterOptions('cdr', 'cdr'))
        return bag

    def read(self, topics: Collection[str]) -> Iterator[tuple[str, int, bytes]]:
        bag = self._open()
        bag.set_filter(self._library.StorageFilter(topics=list(topics)))
        while bag.has_next():
            topic, content, receive_ns = bag.read_next()
            yield topic, receive_ns, content

    def close(self) -> None:
        """Nothing to do: the files of a reader are closed with the reader."""
