"""Bags whose end is missing: power was cut while recording, or a copy was cut short. They have no index, so the records are
read one after the other up to the break.

Formats: mcap.dev/spec, wiki.ros.org/Bags/Format/2.0, and rosbag2's tables in SQLite.
"""

from __future__ import annotations

import bz2
import sqlite3
import struct
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from .readers import typestore
from .sqlite_pages import rows_of_messages

Message = tuple[str, str, int, bytes]  # topic, type, receive time in ns, serialised in ROS 2's byte layout
_MCAP_MAGIC, _ROS1_MAGIC = b'\x89MCAP0\r\n', b'#ROSBAG V2.0\n'
_ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'


class UnfinishedReader:
    """See Reader. Opening goes once through all records, because nothing else says which topics there are."""

    def __init__(self, files: Sequence[Path], reason: str) -> None:
        """reason: why the bag could not be opened as a whole one. Raises ValueError if not one message can be read."""
        self._files, self._reason = files, reason
        self.topics: dict[str, str] = {}
        self.counts: dict[str, int] = Counter()
        with suppress(Exception):  # the break: whatever it is called, `read` comes upon it again
            for topic, kind, _, _ in self._messages():
                self.topics[topic] = kind
                self.counts[topic] += 1
        if not self.topics:
            raise ValueError(reason)

    def _messages(self) -> Iterator[Message]:
        for file in self._files:
            yield from _SCANS[file.suffix](file)

    def read(self, topics: Collection[str]) -> Iterator[tuple[str, int, bytes]]:
        """As Reader.read; ends with a ValueError always, because what comes after the break is not known."""
        with suppress(Exception):
            for topic, _, receive_ns, content in self._messages():
                if topic in topics:
                    yield topic, receive_ns, content
        raise ValueError(self._reason)

    def close(self) -> None:
        """Nothing to do: files are open while they are read."""




def _exactly(file: BinaryIO, size: int) -> bytes:
    content = file.read(size)
    if len(content) != size:
        raise EOFError
    return content


def _scan_mcap(path: Path) -> Iterator[Message]:
    with open(path, 'rb') as file:
        if _exactly(file, len(_MCAP_MAGIC)) == _MCAP_MAGIC:
            yield from _mcap_records(file, {}, {})


def _mcap_records(file: BinaryIO, kinds: dict[int, str], channels: dict[int, tuple[str, str]]) -> Iterator[Message]:
    """kinds: message type by schema id; channels: (topic, type) by channel id; both grow with what is read."""
    while head := file.read(9):
        op, size = struct.unpack('<BQ', head)
        content = _exactly(file, size)
        if op == 3:  # schema
            kinds[struct.unpack_from('<H', content)[0]] = _text(content, 2)
        elif op == 4:  # channel
            channel, schema = struct.unpack_from('<HH', content)
            channels[channel] = (_text(content, 4), kinds.get(schema, ''))
        elif op == 5:  # message
            channel, _, receive_ns = struct.unpack_from('<HIQ', content)
            yield (*channels[channel], receive_ns, _plain(content[22:]))
        elif op == 6:  # chunk
            compression = _text(content, 28)
            records = _DECOMPRESS[compression](content[40 + len(compression):])
            yield from _mcap_records(BytesIO(records), kinds, channels)


def _text(content: bytes, at: int) -> str:
    size = struct.unpack_from('<I', content, at)[0]
    return content[at + 4:at + 4 + size].decode()


def _plain(content: bytes) -> bytes:
    """rosbag2 can compress each message; a plain one begins with zero."""
    return _unzstd(content) if content.startswith(_ZSTD_MAGIC) else content


def _scan_ros1(path: Path) -> Iterator[Message]:
    with open(path, 'rb') as file:
        if _exactly(file, len(_ROS1_MAGIC)) == _ROS1_MAGIC:
            yield from _ros1_records(file, {})


def _ros1_records(file: BinaryIO, connections: dict[bytes, tuple[str, str]]) -> Iterator[Message]:
    """connections: (topic, type) by connection id; grows with what is read."""
    while size := file.read(4):
        head = _ros1_fields(_exactly(file, struct.unpack('<I', size)[0]))
        content = _exactly(file, struct.unpack('<I', _exactly(file, 4))[0])
        if head[b'op'] == b'\x07':  # connection
            package, _, name = _ros1_fields(content)[b'type'].decode().partition('/')
            connections[head[b'conn']] = (head[b'topic'].decode(), f'{package}/msg/{name}')
        elif head[b'op'] == b'\x05':  # chunk
            yield from _ros1_records(BytesIO(_DECOMPRESS[head[b'compression'].decode()](content)), connections)
        elif head[b'op'] == b'\x02':  # message
            topic, kind = connections[head[b'conn']]
            sec, nanosec = struct.unpack('<II', head[b'time'])
            # Types that ROS 2 does not have can be told of, but not be read.
            cdr = bytes(typestore().ros1_to_cdr(content, kind)) if kind in typestore().types else content
            yield topic, kind, sec * 10**9 + nanosec, cdr


def _ros1_fields(content: bytes) -> dict[bytes, bytes]:
    fields, at = {}, 0
    while at < len(content):
        size = struct.unpack_from('<I', content, at)[0]
        name, _, value = content[at + 4:at + 4 + size].partition(b'=')
        fields[name] = value
        at += 4 + size
    return fields


def _scan_sqlite3(path: Path) -> Iterator[Message]:
    with closing(sqlite3.connect(f'file:{quote(str(path))}?mode=ro&immutable=1', uri=True)) as database:
        database.execute('PRAGMA writable_schema = ON')  # else a file shorter than it says of itself is not opened at all
        topics = {row[0]: row[1:] for row in database.execute('SELECT id, name, type FROM topics')}
    for topic, receive_ns, content in rows_of_messages(path):
        yield (*topics[topic], receive_ns, _plain(content))


def _unlz4(content: bytes) -> bytes:
    import lz4.frame
    return lz4.frame.decompress(content)


def _unzstd(content: bytes) -> bytes:
    try:
        from compression import zstd  # Python 3.14
    except ImportError:
        from backports import zstd
    return zstd.decompress(content)


_DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    '': bytes, 'none': bytes, 'lz4': _unlz4, 'zstd': _unzstd, 'bz2': bz2.decompress}
_SCANS: dict[str, Callable[[Path], Iterator[Message]]] = {
    '.mcap': _scan_mcap, '.bag': _scan_ros1, '.db3': _scan_sqlite3}
