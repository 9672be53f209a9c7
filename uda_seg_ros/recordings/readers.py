"""What reads the storage of a bag: topics, and serialised messages in ROS 2's byte layout. By the package `rosbags`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Protocol

STORAGES = {'.db3': 'sqlite3', '.mcap': 'mcap'}


class Reader(Protocol):
    """What a bag library gives. topics: message type of each topic. counts: its number of messages."""

    topics: dict[str, str]
    counts: dict[str, int]

    def read(self, topics: Collection[str]) -> Iterator[tuple[str, int, bytes]]:
        """Yield (topic, receive time in ns, serialised message)."""
        ...

    def close(self) -> None: ...


class PureReader:
    """A bag open in a reader of `rosbags`."""

    def __init__(self, bag: Any, to_cdr: Callable[[bytes, str], bytes] | None = None) -> None:
        """bag: not open yet. to_cdr: (content, message type) to ROS 2's byte layout, None where it is in that already."""
        bag.open()
        self._bag, self._to_cdr = bag, to_cdr
        self.topics = {connection.topic: connection.msgtype for connection in bag.connections}
        self.counts = {topic: info.msgcount for topic, info in bag.topics.items()}

    def read(self, topics: Collection[str]) -> Iterator[tuple[str, int, bytes]]:
        connections = [connection for connection in self._bag.connections if connection.topic in topics]
        for connection, receive_ns, content in self._bag.messages(connections):
            yield connection.topic, receive_ns, bytes(self._to_cdr(content, connection.msgtype) if self._to_cdr else content)

    def close(self) -> None:
        self._bag.close()


def is_ros1(path: Path) -> bool:
    """Whether this is a ROS 1 bag; a folder is none, whatever it is called."""
    return path.suffix == '.bag' and path.is_file()


def pure_reader(path: Path) -> Reader:
    """Open a bag of any kind with `rosbags`. Raises ImportError without it, and whatever a damaged file makes of it."""
    if is_ros1(path):
        from rosbags.rosbag1 import Reader as Ros1Bag
        return PureReader(Ros1Bag(path), typestore().ros1_to_cdr)
    from rosbags.rosbag2 import Reader as Ros2Bag
    return PureReader(Ros2Bag(path))


def cdr_decoder(kind: str) -> Callable[[bytes], Any]:
    """Makes messages of one type of CDR bytes. Raises LookupError for a type that is none of ROS's own."""
    if kind not in typestore().types:
        raise LookupError(kind)
    return lambda content: typestore().deserialize_cdr(content, kind)


@functools.cache
def typestore() -> Any:
    """ROS's own message types."""
    from rosbags.typesys import Stores, get_typestore
    return get_typestore(Stores.ROS2_JAZZY)
