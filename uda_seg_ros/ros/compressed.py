"""Arrays to sensor_msgs/CompressedImage, as JPEG or PNG."""

from __future__ import annotations

import array as arrays

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

# The text before ';' is the encoding of the picture that was compressed. image_transport swaps red and blue after decoding
# only if it reads 'compressed bgr': without it, our colours would arrive swapped.
_FORMATS = {('mono8', 'png'): 'mono8; png compressed ', ('rgb8', 'png'): 'rgb8; png compressed bgr8',
            ('rgb8', 'jpeg'): 'rgb8; jpeg compressed bgr8'}

# Masks are long runs of equal values: run-length matching at level 1 is the fastest, and the files are small all the same.
_PNG_FAST = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)
_JPEG_QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 90)


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
