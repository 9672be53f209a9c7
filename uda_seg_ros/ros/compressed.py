"""JPEG and PNG in sensor_msgs/CompressedImage."""

from __future__ import annotations

import array as arrays

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from ..runtime.pictures import JPEG, PNG, reaches_its_end
from .encodings import ConversionError, DamagedPicture

# The text before ';' is the encoding of the picture that was compressed. image_transport swaps red and blue after decoding
# only if it reads 'compressed bgr': without it, our colours would arrive swapped.
_FORMATS = {('mono8', 'png'): 'mono8; png compressed ', ('rgb8', 'png'): 'rgb8; png compressed bgr8',
            ('rgb8', 'jpeg'): 'rgb8; jpeg compressed bgr8'}

# Masks are long runs of equal values: run-length matching at level 1 is the fastest, and the files are small all the same.
_PNG_FAST = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)
_JPEG_QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 90)


def compressed_to_rgb(msg: CompressedImage) -> np.ndarray:
    """HxWx3 uint8 RGB of a JPEG or PNG; grey and 16-bit pictures too.

    Raises, with one line, DamagedPicture for a file that is damaged or lacks its end, ConversionError for what is neither.

    The first bytes tell what it is: `format` is written in several ways ('jpeg', 'bgr8; jpeg compressed bgr8', 'rgb8; png
    compressed '), and the file itself knows its colour order. A rotation noted in the file is not applied, because the mask
    must lie on the camera's own pixels.
    """
    content = np.frombuffer(msg.data, np.uint8)
    _check_complete(msg, content.tobytes())
    try:
        image = cv2.imdecode(content, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        image = None
    if image is None:
        raise DamagedPicture(f'{_describe(msg)}: cannot be decoded: the file is damaged')
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def to_compressed(pixels: np.ndarray, encoding: str, header: Header, format: str = 'png') -> CompressedImage:
    """A message of mono8 (HxW uint8) or rgb8 (HxWx3 uint8), compressed as 'png' or, rgb8 only, 'jpeg'.

    JPEG changes values, so it never holds class ids. Raises ValueError for any other combination.
    """
    if (encoding, format) not in _FORMATS:
        raise ValueError(f'{encoding} as {format!r} is not written; possible: mono8 as png, rgb8 as png or jpeg')
    picture = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if encoding == 'rgb8' else pixels
    settings = _PNG_FAST if format == 'png' else _JPEG_QUALITY
    _, content = cv2.imencode(f'.{format}', picture, settings)
    msg = CompressedImage(header=header, format=_FORMATS[encoding, format])
    data = arrays.array('B')
    data.frombytes(memoryview(content).cast('B'))
    msg.data = data
    return msg


def _check_complete(msg: CompressedImage, content: bytes) -> None:
    """Raise unless the data is a JPEG or PNG that reaches its end mark."""
    if not content.startswith((JPEG, PNG)):
        start = content[:4].hex(' ') or 'nothing'
        advice = '; depth images are not supported' if 'compressedDepth' in msg.format else ''
        raise ConversionError(f'{_describe(msg)}: neither JPEG nor PNG (the data begins with {start}){advice}')
    if not reaches_its_end(content):
        raise DamagedPicture(f'{_describe(msg)}: the file is truncated: its end is missing')


def _describe(msg: CompressedImage) -> str:
    return f'compressed image {msg.format!r} of frame {msg.header.frame_id!r}, {len(msg.data)} bytes'
