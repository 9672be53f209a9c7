"""Image messages to arrays, whatever library made them: any object with the fields of sensor_msgs/Image will do."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from ..config import nearest
from .encodings import ENCODINGS, SUPPORTED_ENCODINGS, ConversionError, Layout


class UnknownEncoding(ConversionError):
    """The encoding is not one of SUPPORTED_ENCODINGS; it may hold a picture all the same."""


def image_to_rgb(msg: Any) -> np.ndarray:
    """HxWx3 uint8 RGB of a message in one of SUPPORTED_ENCODINGS.

    rgb8 is a view of the message's bytes: it lives as long as they do and must not be written to. Padded rows (`step`) and
    `is_bigendian` are respected. Raises ConversionError with one line.
    """
    layout = ENCODINGS.get(msg.encoding)
    if layout is None:
        raise _refusal(msg)
    pixels = _pixels(msg, layout)
    try:
        return layout.to_rgb(pixels)
    except cv2.error as error:
        raise ConversionError(f'{_describe(msg)}: cannot be converted: {" ".join(str(error).split())}') from error


def image_to_mask(msg: Any) -> np.ndarray:
    """HxW uint8 train ids of a label or mask message (mono8 or 8UC1), a view. Raises ConversionError."""
    if msg.encoding not in ('mono8', '8UC1'):
        raise ConversionError(f'{_describe(msg)}: class ids come as mono8 (or 8UC1)')
    return _pixels(msg, ENCODINGS[msg.encoding])


def stamp_of(msg: Any) -> int:
    """Nanoseconds of the header's stamp."""
    return msg.header.stamp.sec * 1_000_000_000 + msg.header.stamp.nanosec


def _pixels(msg: Any, layout: Layout) -> np.ndarray:
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


def _check(msg: Any, layout: Layout, row_bytes: int, needed: int) -> None:
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


def _refusal(msg: Any) -> ConversionError:
    text = (f'{_describe(msg)}: encoding is not supported{nearest(msg.encoding, SUPPORTED_ENCODINGS)}; '
            f'supported: {", ".join(SUPPORTED_ENCODINGS)}')
    if msg.encoding.startswith(('32F', '64F')):
        return ConversionError(f'{text}. Floating point images hold depth or measurements, not pictures')
    return UnknownEncoding(text)


def _describe(msg: Any) -> str:
    return f'image {msg.width}x{msg.height} {msg.encoding!r} of frame {msg.header.frame_id!r}'
