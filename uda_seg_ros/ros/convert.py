"""sensor_msgs images to arrays and back. Reading makes no copy where the encoding allows; writing makes exactly one."""

from __future__ import annotations

import array as arrays

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ..recordings import images
from ..recordings.compressed import compressed_to_rgb
from ..recordings.encodings import SUPPORTED_ENCODINGS, ConversionError, DamagedPicture, encoding_advice
from ..recordings.images import image_to_mask
from .compressed import to_compressed

__all__ = ['SUPPORTED_ENCODINGS', 'ConversionError', 'DamagedPicture', 'compressed_to_rgb', 'encoding_advice',
           'image_to_mask', 'image_to_rgb', 'to_compressed', 'to_image']

_OUTPUTS = {'mono8': (np.uint8, ()), 'rgb8': (np.uint8, (3,)), 'mono16': (np.uint16, ()), '32FC1': (np.float32, ())}


def image_to_rgb(msg: Image) -> np.ndarray:
    """As recordings.images.image_to_rgb; an encoding that is not ours is left to cv_bridge, where it is installed."""
    try:
        return images.image_to_rgb(msg)
    except images.UnknownEncoding as refusal:
        return _by_cv_bridge(msg, refusal)


def to_image(pixels: np.ndarray, encoding: str, header: Header) -> Image:
    """A message of an array: mono8 HxW uint8, rgb8 HxWx3 uint8, mono16 HxW uint16 or 32FC1 HxW float32.

    The header is taken over as it is; rows are not padded. Raises ValueError if array and encoding do not fit.
    """
    _check_output(pixels, encoding)
    pixels = np.ascontiguousarray(pixels)
    msg = Image(header=header, height=pixels.shape[0], width=pixels.shape[1], encoding=encoding,
                step=pixels.strides[0])
    # Any other way to fill `data` is 100 times slower on one distribution or another.
    content = arrays.array('B')
    content.frombytes(memoryview(pixels).cast('B'))
    msg.data = content
    return msg


def _check_output(pixels: np.ndarray, encoding: str) -> None:
    """Raise ValueError unless the array's type and shape are those of the encoding."""
    if encoding not in _OUTPUTS:
        raise ValueError(f'encoding {encoding!r} is not written; possible: {", ".join(_OUTPUTS)}')
    dtype, channels = _OUTPUTS[encoding]
    if pixels.dtype != dtype or pixels.shape[2:] != channels or pixels.ndim < 2 or pixels.size == 0:
        raise ValueError(f'{encoding} needs {np.dtype(dtype)} of HxW{"x3" if channels else ""}, '
                         f'got {pixels.dtype} of {pixels.shape}')


def _by_cv_bridge(msg: Image, refusal: Exception) -> np.ndarray:
    """What cv_bridge makes of an encoding that is not ours; an error that lists ours if it cannot, or is not there."""
    try:
        from cv_bridge import CvBridge
    except Exception as error:  # a cv_bridge built for another NumPy fails with AttributeError and others
        raise ConversionError(
            f'{refusal}. cv_bridge knows more encodings; it is not usable here: {_one_line(error)}') from None
    try:
        pixels = CvBridge().imgmsg_to_cv2(msg, 'rgb8')
    except Exception as error:  # CvBridgeError, cv2.error, KeyError, TypeError: it raises whatever comes up
        raise ConversionError(f'{refusal}. cv_bridge cannot read it either: {_one_line(error)}') from error
    return np.ascontiguousarray(pixels)


def _one_line(error: Exception) -> str:
    return ' '.join(str(error).split())
