"""Recorded bags as sensor messages: ROS 2 (sqlite3, mcap) and ROS 1, with or without a ROS installation.

rosbag2_py reads ROS 2 bags where it is installed, else the pure Python package `rosbags`; ROS 1 bags are always read by
`rosbags`. Both give the same bytes, and rclpy makes messages of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Protocol

from rclpy.serialization import deserialize_message

STORAGES = {'.db3': 'sqlite3', '.mcap': 'mcap'}


class BagError(ValueError):
    """A bag cannot be read, or lacks a topic. The text says which, and what is there or what to do."""


class Reader(Protocol):
    """What a bag library gives. topics: message type of each topic. counts: its number of messages."""

    topics: dict[str, str]
    counts: dict[str, int]

    def read(self, topics: Collection[str]) -> Iterator[tuple[str, int, bytes]]:
        """Yield (topic, receive time in ns, serialised message)."""
        ...

    def close(self) -> None: ...


class Bag:
    """An open bag; a context manager that closes it."""

    def __init__(self, path: Path, reader: Reader) -> None:
        self.path = path
        self._reader = reader

    def topics(self) -> dict[str, str]:
        """The message type ('sensor_msgs/msg/Image') of each topic."""
        return dict(self._reader.topics)

    def count(self, topic: str) -> int:
        """The number of messages of a topic, as the bag states it; 0 for a topic that is not there."""
        return self._reader.counts.get(topic, 0)

    def messages(self, topics: Collection[str]) -> Iterator[tuple[str, int, Any]]:
        """Yield (topic, receive time in ns, message) of these topics in the order they were received.

        Raises BagError at once if a topic is not there or its type is not installed, and, after the messages before it,
        where a damaged bag breaks off.
        """
        classes = {topic: self._message_class(topic) for topic in topics}
        return self._read(classes)

    def _read(self, classes: dict[str, type]) -> Iterator[tuple[str, int, Any]]:
        count = 0
        try:
            for topic, receive_ns, content in self._reader.read(list(classes)):
                yield topic, receive_ns, deserialize_message(content, classes[topic])
                count += 1
        except Exception as error:  # what a damaged file makes of four libraries cannot be listed
            raise BagError(f'{self.path}: damaged: it breaks off after {count} messages of {", ".join(classes)}: '
                           f'{_one_line(error)}') from error

    def _message_class(self, topic: str) -> type:
        if topic not in self._reader.topics:
            raise BagError(f'{self.path}: no topic {topic!r}; it has: {describe_topics(self._reader.topics)}')
        kind = self._reader.topics[topic]
        package, name = kind.split('/')[0], kind.split('/')[-1]
        try:
            return getattr(importlib.import_module(f'{package}.msg'), name)
        except (ImportError, AttributeError) as error:
            raise BagError(f'{self.path}: topic {topic!r} has type {kind}, which is not installed here') from error

    def close(self) -> None:
        self._reader.close()

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def is_bag(path: Path) -> bool:
    """Whether this is a bag by its looks: a .bag, .mcap or .db3 file, or a folder with such files or a metadata.yaml."""
    if path.is_dir():
        return (path / 'metadata.yaml').exists() or bool(_storage_files(path))
    return path.suffix in ('.bag', *STORAGES)


def open_bag(path: str | Path, reader: str = 'auto') -> Bag:
    """Open a rosbag2 folder or its .mcap or .db3 file, or a ROS 1 .bag. Raises BagError.

    reader: 'rosbag2_py', 'rosbags', or 'auto': the first where it can be used.
    """
    path = Path(path)
    if not path.exists():
        raise BagError(f'{path}: not found')
    if not is_bag(path):
        raise BagError(f'{path}: not a bag; possible: a rosbag2 folder (metadata.yaml), a .mcap, .db3 or ROS 1 .bag file')
    try:
        return Bag(path, _reader(_storage(path), reader))
    except BagError:
        raise
    except ImportError as error:
        raise BagError(f"{path}: nothing here reads this bag: {error}; 'pip install rosbags' reads all kinds") from error
    except Exception as error:  # as above
        raise BagError(f"{path}: cannot be read: {_one_line(error)}; 'ros2 bag reindex', 'mcap recover' or 'rosbag reindex' "
                       'may repair a bag that was not closed') from error


def describe_topics(topics: dict[str, str]) -> str:
    """'/camera (sensor_msgs/msg/Image), ...' for messages to people."""
    return ', '.join(f'{topic} ({kind})' for topic, kind in sorted(topics.items())) or 'no topics at all'


def _reader(path: Path, name: str) -> Reader:
    if path.suffix == '.bag':
        return _Ros1Reader(path)
    if name != 'rosbags':
        try:
            return _InstalledReader(path)
        except ImportError:
            if name == 'rosbag2_py':
                raise
    return _PureReader(path)


def _storage_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in STORAGES)


def _storage(path: Path) -> Path:
    """What to open: a folder whose metadata.yaml was lost is as good as the one file in it."""
    if path.is_dir() and not (path / 'metadata.yaml').exists():
        files = _storage_files(path)
        if len(files) > 1:
            raise BagError(f"{path}: metadata.yaml is missing beside {len(files)} files; 'ros2 bag reindex {path}' makes it")
        return files[0]
    return path


def _one_line(error: Exception) -> str:
    return ' '.join(str(error).split()) or type(error).__name__


class _PureReader:
    """ROS 2 bags by `rosbags`."""

    def __init__(self, path: Path) -> None:
        from rosbags.rosbag2 import Reader
        self._bag = Reader(path)
        self._bag.open()
        self.topics = {connection.topic: connection.msgtype for connection in self._bag.connections}
        self.counts = {topic: info.msgcount for topic, info in self._bag.topics.items()}

    def read(self, topics: Collection[str]) -> Iterator[tuple[str, int, bytes]]:
        connections = [connection for connection in self._bag.connections if connection.topic in topics]
        for connection, receive_ns, content in self._bag.messages(connections):
            yield connection.topic, receive_ns, bytes(content)

    def close(self) -> None:
        self._bag.close()


class _Ros1Reader:
    """ROS 1 bags by `rosbags`; messages are rewritten to ROS 2's byte layout."""

    def __init__(self, path: Path) -> None:
        from rosbags.rosbag1 import Reader
        from rosbags.typesys import Stores, get_typestore
        self._bag = Reader(path)
        self._bag.open()
        self._types = get_typestore(Stores.ROS2_JAZZY)
        self.topics = {connection.topic: connection.msgtype for connection in self._bag.connections}
        self.counts = {topic: info.msgcount for topic, info in self._bag.topics.items()}

    def read(self, topics: Collection[str]) -> Iterator[tuple[str, int, bytes]]:
        connections = [connection for connection in self._bag.connections if connection.topic in topics]
        for connection, receive_ns, content in self._bag.messages(connections):
            yield connection.topic, receive_ns, bytes(self._types.ros1_to_cdr(content, connection.msgtype))

    def close(self) -> None:
        self._bag.close()


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
