"""Serialised sensor_msgs/Image read in place: the pixels stay where the middleware put them.

rclpy copies them twice into a message, and holds the interpreter meanwhile.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header

LITTLE_ENDIAN_CDR = b'\0\1'


@dataclass(frozen=True, eq=False)
class ImageView:
    """The fields of a sensor_msgs/Image; data is a view of the serialised message."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: memoryview


class _Reader:
    """Takes one value after the other out of little-endian CDR. Raises ValueError or struct.error where it ends early."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 4  # after the encapsulation header, where alignment counts from

    def number(self, form: str = 'I') -> int:
        size = struct.calcsize(form)
        self._at += -(self._at - 4) % size
        self._at += size
        return struct.unpack_from(f'<{form}', self._content, self._at - size)[0]

    def bytes(self) -> memoryview:
        size = self.number()
        self._at += size
        if self._at > len(self._content):
            raise ValueError('the message ends early')
        return memoryview(self._content)[self._at - size : self._at]

    def text(self) -> str:
        return bytes(self.bytes()[:-1]).decode()  # without the zero at the end


def read_image(content: bytes) -> Image | ImageView:
    """The image of a serialised message. What is not plain little-endian CDR is left to rclpy, and so are its errors."""
    if content[:2] == LITTLE_ENDIAN_CDR:
        try:
            return _read(_Reader(content))
        except (ValueError, struct.error):
            pass
    return deserialize_message(content, Image)


def _read(reader: _Reader) -> ImageView:
    header = Header()
    header.stamp.sec, header.stamp.nanosec, header.frame_id = reader.number('i'), reader.number(), reader.text()
    height, width, encoding = reader.number(), reader.number(), reader.text()
    return ImageView(header, height, width, encoding, reader.number('B'), reader.number(), reader.bytes())
