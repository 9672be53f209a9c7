"""JPEG and PNG messages to arrays: any object with the fields of sensor_msgs/CompressedImage will do."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..runtime.pictures import JPEG, PNG, decode_picture, reaches_its_end
from .encodings import ConversionError, DamagedPicture


def compressed_to_rgb(msg: Any) -> np.ndarray:
    """HxWx3 uint8 RGB of a JPEG or PNG; grey and 16-bit pictures too.

    Raises, with one line, DamagedPicture for a file that is damaged or lacks its end, ConversionError for what is neither.

    The first bytes tell what it is: `format` is written in several ways ('jpeg', 'bgr8; jpeg compressed bgr8', 'rgb8; png
    compressed '), and the file itself knows its colour order. A rotation noted in the file is not applied, because the mask
    must lie on the camera's own pixels.
    """
    content = np.frombuffer(msg.data, np.uint8)
    _check_complete(msg, content.tobytes())
    rgb = decode_picture(content)
    if rgb is None:
        raise DamagedPicture(f'{_describe(msg)}: cannot be decoded: the file is damaged')
    return rgb


def _check_complete(msg: Any, content: bytes) -> None:
    """Raise unless the data is a JPEG or PNG that reaches its end mark."""
    if not content.startswith((JPEG, PNG)):
        start = content[:4].hex(' ') or 'nothing'
        advice = '; depth images are not supported' if 'compressedDepth' in msg.format else ''
        raise ConversionError(f'{_describe(msg)}: neither JPEG nor PNG (the data begins with {start}){advice}')
    if not reaches_its_end(content):
        raise DamagedPicture(f'{_describe(msg)}: the file is truncated: its end is missing')


def _describe(msg: Any) -> str:
    return f'compressed image {msg.format!r} of frame {msg.header.frame_id!r}, {len(msg.data)} bytes'
