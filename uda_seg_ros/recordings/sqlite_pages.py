"""Messages of an SQLite bag that was cut short: read from its leaf pages one by one, because the tree above them is lost.

Format: sqlite.org/fileformat2.html, sections 1.5 to 2.1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_TABLE_LEAF = 13
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # by serial type
_BLOB = 12  # least serial type of a blob; all of them are even


def rows_of_messages(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield (topic id, receive time in ns, content) of rosbag2's table `messages` in the order of pages, which is that of
    recording. Ends where the content of a row is not in the file.
    """
    with open(path, 'rb') as file:
        header = file.read(100)
        size = struct.unpack_from('>H', header, 16)[0]
        size = 65536 if size == 1 else size
        file.seek(0, 2)
        num_pages = file.tell() // size
        for number in range(1, num_pages):  # the first page holds the schema
            page = _page(file, number, size)
            if page[0] == _TABLE_LEAF:
                for at in struct.unpack_from(f'>{struct.unpack_from(">H", page, 3)[0]}H', page, 8):
                    if (row := _row(file, page, at, size, size - header[20])) is not None:
                        yield row


def _page(file: BinaryIO, number: int, size: int) -> bytes:
    file.seek(number * size)
    content = file.read(size)
    if len(content) != size:
        raise EOFError
    return content


def _row(file: BinaryIO, page: bytes, at: int, size: int, usable: int) -> tuple[int, int, bytes] | None:
    """The row at this place of a page if it is a message's: no id of its own, topic id, time, content."""
    length, at = _varint(page, at)
    _, at = _varint(page, at)  # the id of the row
    header_size, column = _varint(page, at)
    end, kinds = at + header_size, []
    while column < end and len(kinds) < 5:
        kind, column = _varint(page, column)
        kinds.append(kind)
    if len(kinds) != 4 or kinds[0] != 0 or kinds[2] not in _INTEGER_BYTES or kinds[3] < _BLOB or kinds[3] % 2:
        return None
    payload = _payload(file, page, at, length, size, usable)
    topic, begin = _integer(payload, header_size, kinds[1])
    receive_ns, begin = _integer(payload, begin, kinds[2])
    return topic, receive_ns, payload[begin:begin + (kinds[3] - _BLOB) // 2]


def _payload(file: BinaryIO, page: bytes, at: int, length: int, size: int, usable: int) -> bytes:
    """The bytes of a row: what is in the page, and what overflows into a chain of others."""
    most, least = usable - 35, (usable - 12) * 32 // 255 - 23
    local = length
    if length > most:
        fitting = least + (length - least) % (usable - 4)
        local = fitting if fitting <= most else least
    parts, missing = [page[at:at + local]], length - local
    following = struct.unpack_from('>I', page, at + local)[0] if missing else 0
    while missing > 0:
        page = _page(file, following - 1, size)
        following = struct.unpack_from('>I', page)[0]
        parts.append(page[4:4 + min(missing, usable - 4)])
        missing -= len(parts[-1])
    return b''.join(parts)


def _integer(content: bytes, at: int, kind: int) -> tuple[int, int]:
    """(value, place after it); 8 and 9 stand for 0 and 1."""
    if kind in (8, 9):
        return kind - 8, at
    end = at + _INTEGER_BYTES[kind]
    return int.from_bytes(content[at:end], 'big', signed=True), end


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """(value, place after it) of 1 to 9 bytes."""
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | content[place] & 0x7F
        if content[place] < 0x80:
            return value, place + 1
    return value << 8 | content[at + 8], at + 9
