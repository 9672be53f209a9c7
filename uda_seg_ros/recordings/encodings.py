"""The image encodings the package reads: how the bytes of a row are laid out, and how they become RGB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np


class ConversionError(ValueError):
    """A message cannot be read as a picture. The text says what is wrong, in which message, and what would be read."""


class DamagedPicture(ConversionError):
    """The data of one picture is damaged, as happens on the way; nothing is wrong with the camera's kind of pictures."""


@dataclass(frozen=True)
class Layout:
    """Bytes of one encoding.

    to_rgb: rows x columns [x channels] array to HxWx3 uint8 RGB. channels, bits: of a pixel as stored. extra_rows: rows of
    colour below the H rows of brightness, as a share of H. even: which sides (height, width) must be even.
    """

    to_rgb: Callable[[np.ndarray], np.ndarray]
    channels: int = 1
    bits: int = 8
    extra_rows: float = 0.0
    even: tuple[bool, bool] = (False, False)


def _by(code: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda pixels: cv2.cvtColor(pixels, code)


def _as_it_is(pixels: np.ndarray) -> np.ndarray:
    return pixels


def _grey16(pixels: np.ndarray) -> np.ndarray:
    """Full scale to full scale (65535 becomes 255), never stretched by content: a picture must not flicker."""
    return cv2.cvtColor(cv2.convertScaleAbs(pixels, alpha=1 / 257), cv2.COLOR_GRAY2RGB)


_GREY = Layout(_by(cv2.COLOR_GRAY2RGB))
_GREY16 = Layout(_grey16, bits=16)
_BGR = Layout(_by(cv2.COLOR_BGR2RGB), channels=3)
_UYVY = Layout(_by(cv2.COLOR_YUV2RGB_UYVY), channels=2, even=(False, True))
_YUYV = Layout(_by(cv2.COLOR_YUV2RGB_YUYV), channels=2, even=(False, True))


def _two_planes(code: int) -> Layout:
    return Layout(_by(code), extra_rows=0.5, even=(True, True))


# OpenCV names a Bayer pattern by its second row from the second column on; ROS by the first four pixels.
ENCODINGS: dict[str, Layout] = {
    'rgb8': Layout(_as_it_is, channels=3),
    'bgr8': _BGR,
    'rgba8': Layout(_by(cv2.COLOR_RGBA2RGB), channels=4),
    'bgra8': Layout(_by(cv2.COLOR_BGRA2RGB), channels=4),
    'mono8': _GREY,
    '8UC1': _GREY,
    '8UC3': _BGR,  # untyped three channels come from OpenCV, whose order is BGR
    'mono16': _GREY16,
    '16UC1': _GREY16,
    'bayer_rggb8': Layout(_by(cv2.COLOR_BayerBG2RGB)),
    'bayer_bggr8': Layout(_by(cv2.COLOR_BayerRG2RGB)),
    'bayer_gbrg8': Layout(_by(cv2.COLOR_BayerGR2RGB)),
    'bayer_grbg8': Layout(_by(cv2.COLOR_BayerGB2RGB)),
    'yuv422': _UYVY,
    'yuv422_yuy2': _YUYV,
    'uyvy': _UYVY,
    'yuyv': _YUYV,
    'nv12': _two_planes(cv2.COLOR_YUV2RGB_NV12),
    'nv21': _two_planes(cv2.COLOR_YUV2RGB_NV21),
}

SUPPORTED_ENCODINGS: tuple[str, ...] = tuple(ENCODINGS)

_MAYBE_DEPTH = ('{} is read as a grey picture; if these are depth values, the masks mean nothing: '
                "remap 'image' to the camera's colour topic")


def encoding_advice(encoding: str) -> str:
    """One line for encodings that are read but may not hold a picture at all, '' for the others.

    8UC1 and 16UC1 name no meaning: grey and infrared cameras use them, and so do depth images. They are read as grey,
    because refusing them would shut out real cameras; the line is to be logged once.
    """
    return _MAYBE_DEPTH.format(encoding) if encoding in ('8UC1', '16UC1') else ''
