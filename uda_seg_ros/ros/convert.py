"""sensor_msgs images to arrays and back. Reading makes no copy where the encoding allows; writing makes exactly one."""

from __future__ import annotations

import array as arrays

import cv2
import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ..config import nearest
from .compressed import compressed_to_rgb, to_compressed
from .encodings import ENCODINGS, SUPPORTED_ENCODINGS, ConversionError, DamagedPicture, Layout, encoding_advice

__all__ = ['SUPPORTED_ENCODINGS', 'ConversionError', 'DamagedPicture', 'compressed_to_rgb', 'encoding_advice',
           'image_to_mask', 'image_to_rgb', 'to_compressed', 'to_image']

_OUTPUTS = {'mono8': (np.uint8, ()), 'rgb8': (np.uint8, (3,)), 'mono16': (np.uint16, ()), '32FC1': (np.float32, ())}


def image_to_rgb(msg: Image) -> np.ndarray:
    """HxWx3 uint8 RGB of a message in one of SUPPORTED_ENCODINGS, or in one that cv_bridge can read where it is installed.

    rgb8 is a view of the message's bytes: it lives as long as they do and must not be written to. Padded rows (`step`) and
    `is_bigendian` are respected. Raises ConversionError with one line.
    """
    layout = ENCODINGS.get(msg.encoding)
    if layout is None:
        return _by_cv_bridge(msg)
    pixels = _pixels(msg, layout)
    try:
        return layout.to_rgb(pixels)
    except cv2.error as error:
        raise ConversionError(f'{_describe(msg)}: cannot be converted: {_one_line(error)}') from error


def image_to_mask(msg: Image) -> np.ndarray:
    """HxW uint8 train ids of a label or mask message (mono8 or 8UC1), a view. Raises ConversionError."""
    if msg.encoding not in ('mono8', '8UC1'):
        raise ConversionError(f'{_describe(msg)}: class ids come as mono8 (or 8UC1)')
    return _pixels(msg, ENCODINGS[msg.encoding])


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


def _pixels(msg: Image, layout: Layout) -> np.ndarray:
    """A view of the message's bytes: rows x W [x channels], in the sample type of the layout, native byte order."""
    rows, step = round(msg.height * (1 + layout.extra_rows)), msg.step
    item = layout.bits // 8
    row_bytes = msg.width * layout.channels * item
    _check(msg, layout, row_bytes, needed=step * (rows - 1) + row_bytes)
    shape, strides = (rows, msg.width), (step, layout.channels * item)
    if layout.channels > 1:
        shape, strides = (*shape, layout.channels), (*strides, item)
    order = '>' if msg.is_bigendian else '<'
    pixels = np.ndarray(shape, np.dtype(f'{order}u{item}'), buffer=msg.data, strides=strides)
    return pixels if item == 1 else pixels.astype(np.uint16)


def _check(msg: Image, layout: Layout, row_bytes: int, needed: int) -> None:
    """Raise ConversionError unless size, step and data fit together. The last row may lack its padding."""
    if msg.width == 0 or msg.height == 0:
        raise ConversionError(f'{_describe(msg)}: the picture is empty')
    for side, value, even in zip(('height', 'width'), (msg.height, msg.width), layout.even):
        if even and value % 2:
            raise ConversionError(f'{_describe(msg)}: {msg.encoding} needs an even {side}')
    if msg.step < row_bytes:
        raise ConversionError(f'{_describe(msg)}: step is {msg.step}, a row needs {row_bytes} bytes')
    if len(msg.data) < needed:
        raise ConversionError(f'{_describe(msg)}: data is short: {len(msg.data)} bytes of {needed}')


def _describe(msg: Image) -> str:
    return f'image {msg.width}x{msg.height} {msg.encoding!r} of frame {msg.header.frame_id!r}'


def _one_line(error: Exception) -> str:
    return ' '.join(str(error).split())


def _by_cv_bridge(msg: Image) -> np.ndarray:
    """What cv_bridge makes of an encoding that is not ours; an error that lists ours if it cannot, or is not there."""
    refusal = (f'{_describe(msg)}: encoding is not supported{nearest(msg.encoding, SUPPORTED_ENCODINGS)}; '
               f'supported: {", ".join(SUPPORTED_ENCODINGS)}')
    if msg.encoding.startswith(('32F', '64F')):
        raise ConversionError(f'{refusal}. Floating point images hold depth or measurements, not pictures')
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
