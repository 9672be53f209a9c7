"""Recorded bags as messages: ROS 2 (sqlite3, mcap) and ROS 1, where no ROS is installed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from . import RecordingError
from .readers import STORAGES, Reader, cdr_decoder, pure_reader
from .unfinished import UnfinishedReader


class BagError(RecordingError):
    """A bag cannot be read, or lacks a topic. The text says which, and what is there or what to do."""


class Bag:
    """An open bag; a context manager that closes it."""

    def __init__(self, path: Path, reader: Reader, decoder: Callable[[str], Callable[[bytes], Any]]) -> None:
        """decoder: gives the function that makes messages of a type of CDR bytes; LookupError for an unknown type."""
        self.path = path
        self._reader, self._decoder = reader, decoder

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
        decoders = {topic: self._decoder_of(topic) for topic in topics}
        return self._read(decoders)

    def _read(self, decoders: dict[str, Callable[[bytes], Any]]) -> Iterator[tuple[str, int, Any]]:
        count = 0
        try:
            for topic, receive_ns, content in self._reader.read(list(decoders)):
                yield topic, receive_ns, decoders[topic](content)
                count += 1
        except Exception as error:  # what a damaged file makes of four libraries cannot be listed
            raise BagError(f'{self.path}: damaged: it breaks off after {count} messages of {", ".join(decoders)}: '
                           f'{_one_line(error)}') from error

    def _decoder_of(self, topic: str) -> Callable[[bytes], Any]:
        if topic not in self._reader.topics:
            raise BagError(f'{self.path}: no topic {topic!r}; it has: {describe_topics(self._reader.topics)}')
        kind = self._reader.topics[topic]
        try:
            return self._decoder(kind)
        except LookupError as error:
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


def bag_files(path: Path) -> list[Path]:
    """The files that hold a bag's messages, in the order of their names."""
    return _storage_files(path) if path.is_dir() else [path]


def open_bag(path: str | Path, reader: Callable[[Path], Reader] = pure_reader,
             decoder: Callable[[str], Callable[[bytes], Any]] = cdr_decoder) -> Bag:
    """Open a rosbag2 folder or its .mcap or .db3 file, or a ROS 1 .bag. Raises BagError.

    A bag that was not closed, or is cut short, is read from its beginning up to the break. reader: opens the storage.
    decoder: see Bag; by default messages are those of the package `rosbags`, with the fields of ROS's own.
    """
    path = Path(path)
    if not path.exists():
        raise BagError(f'{path}: not found')
    if not is_bag(path):
        raise BagError(f'{path}: not a bag; possible: a rosbag2 folder (metadata.yaml), a .mcap, .db3 or ROS 1 .bag file')
    try:
        return Bag(path, reader(_storage(path)), decoder)
    except BagError:
        raise
    except ImportError as error:
        raise BagError(f"{path}: nothing here reads this bag: {error}; 'pip install rosbags' reads all kinds") from error
    except Exception as error:  # as above
        try:
            return Bag(path, UnfinishedReader(bag_files(path), _one_line(error)), decoder)
        except Exception:
            raise BagError(f"{path}: cannot be read: {_one_line(error)}; 'ros2 bag reindex', 'mcap recover' or 'rosbag "
                           "reindex' may repair a bag that was not closed") from error


def describe_topics(topics: dict[str, str]) -> str:
    """'/camera (sensor_msgs/msg/Image), ...' for messages to people."""
    return ', '.join(f'{topic} ({kind})' for topic, kind in sorted(topics.items())) or 'no topics at all'


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
