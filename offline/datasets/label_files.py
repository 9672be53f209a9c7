"""Label pictures: read as the ids that the file holds, never as colours, or refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np

from uda_seg_ros.runtime.pictures import PNG, PictureError, reaches_its_end, read_picture

from .base import DatasetError

_PALETTE, _GREY = 3, 0  # colour types of a PNG


def read_rgb(path: Path) -> np.ndarray:
    """HxWx3 uint8 RGB. Raises DatasetError naming the file."""
    try:
        return read_picture(path)
    except PictureError as error:
        raise DatasetError(str(error)) from error


def read_ids(path: Path) -> np.ndarray:
    """HxW uint8: grey value of a grey PNG, palette index of a palette PNG. Raises DatasetError naming the file."""
    ids = _decoded(path)
    if ids.ndim != 2 or ids.dtype != np.uint8:
        channels = 1 if ids.ndim == 2 else ids.shape[2]
        raise DatasetError(f'{path}: expected a label picture of one 8-bit channel of ids, got {channels} of '
                           f'{8 * ids.dtype.itemsize} bits (a colour version of it?)')
    return ids


def read_red(path: Path) -> np.ndarray:
    """HxW uint8: first channel of an RGB PNG of 8 or 16 bits, as SYNTHIA keeps its classes. Raises DatasetError."""
    channels = _decoded(path)
    if channels.ndim != 3:
        raise DatasetError(f'{path}: expected a label picture of three channels, the first with class ids; got one channel')
    red = channels[..., 2]  # OpenCV's order is BGR
    return np.minimum(red, 255).astype(np.uint8)


def _decoded(path: Path) -> np.ndarray:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f'{path}: cannot be read: {error.strerror or error}') from error
    if not content.startswith(PNG) or not reaches_its_end(content):
        raise DatasetError(f'{path}: {"the PNG is truncated" if content.startswith(PNG) else "not a PNG"}')
    try:
        array = cv2.imdecode(np.frombuffer(_without_palette(content), np.uint8), cv2.IMREAD_UNCHANGED)
    except (cv2.error, struct.error):
        array = None
    if array is None:
        raise DatasetError(f'{path}: a damaged PNG')
    return array


def _without_palette(content: bytes) -> bytes:
    """A palette PNG of 8 bits as a grey one of the same bytes: OpenCV would answer colours instead of the ids."""
    depth, colour = content[24], content[25]
    if colour != _PALETTE or depth != 8:
        return content
    header = content[12:25] + bytes([_GREY]) + content[26:29]
    chunks = [PNG, struct.pack('>I', 13), header, struct.pack('>I', zlib.crc32(header))]
    at = 33
    while at + 8 <= len(content):
        end = at + 12 + struct.unpack('>I', content[at:at + 4])[0]
        if content[at + 4:at + 8] in (b'IDAT', b'IEND'):
            chunks.append(content[at:end])
        at = end
    return b''.join(chunks)
