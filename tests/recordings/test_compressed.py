"""JPEG and PNG messages: what is read, and what is refused. The messages are plain objects: no ROS is needed."""

from __future__ import annotations

import array
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from uda_seg_ros.recordings.compressed import compressed_to_rgb
from uda_seg_ros.recordings.encodings import ConversionError, DamagedPicture

FORMATS = {'.jpg': ['jpeg', 'jpg', 'bgr8; jpeg compressed bgr8', 'rgb8; jpeg compressed bgr8', ''],
           '.png': ['png', 'rgb8; png compressed ', 'mono8; png compressed ']}


def smooth_rgb() -> np.ndarray:
    """Different in every channel and corner, and smooth, so that JPEG stays close."""
    down, right = np.mgrid[0:48, 0:64]
    return np.stack([down * 5, right * 3, np.full_like(down, 90)], axis=-1).astype(np.uint8)


def _message(content: bytes, format: str = 'jpeg') -> SimpleNamespace:
    return SimpleNamespace(header=SimpleNamespace(frame_id='front'), format=format, data=array.array('B', content))


def _encoded(ending: str, rgb: np.ndarray | None = None) -> bytes:
    rgb = smooth_rgb() if rgb is None else rgb
    return cv2.imencode(ending, rgb[..., ::-1] if rgb.ndim == 3 else rgb)[1].tobytes()


@pytest.mark.parametrize(('ending', 'format'), [(e, f) for e, formats in FORMATS.items() for f in formats])
def test_the_picture_is_read_whatever_the_format_is_called(ending, format):
    rgb = compressed_to_rgb(_message(_encoded(ending), format))
    assert np.abs(rgb.astype(int) - smooth_rgb()).max() <= (6 if ending == '.jpg' else 0)


@pytest.mark.parametrize(('stored', 'expected'), [
    (smooth_rgb()[..., 0], smooth_rgb()[..., 0]),
    (smooth_rgb()[..., 0].astype(np.uint16) * 257, smooth_rgb()[..., 0]),
], ids=['8 bit', '16 bit'])
def test_a_grey_png_is_read(stored, expected):
    rgb = compressed_to_rgb(_message(_encoded('.png', stored), 'mono16; png compressed '))
    assert (rgb == expected[..., None]).all()


def test_a_png_with_alpha_is_read():
    stored = np.dstack([smooth_rgb()[..., ::-1], np.full((48, 64), 7, np.uint8)])
    content = cv2.imencode('.png', stored)[1].tobytes()
    assert (compressed_to_rgb(_message(content, 'png')) == smooth_rgb()).all()


def test_bytes_after_the_end_of_a_jpeg_do_no_harm():
    assert compressed_to_rgb(_message(_encoded('.jpg') + b'\0' * 99)).shape == (48, 64, 3)


def test_a_rotation_noted_in_the_file_is_not_applied():
    exif = bytes.fromhex('ffe10022457869660000' '4d4d002a00000008' '0001' '0112000300000001' '00060000' '00000000')
    jpeg = _encoded('.jpg')
    assert compressed_to_rgb(_message(jpeg[:2] + exif + jpeg[2:])).shape == (48, 64, 3)


_NOISE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


@pytest.mark.parametrize(('content', 'format', 'words'), [
    (_encoded('.jpg', _NOISE)[:-2], 'jpeg', 'truncated'),
    (_encoded('.jpg', _NOISE)[:1500], 'jpeg', 'truncated'),
    (_encoded('.jpg', _NOISE)[:20], 'jpeg', 'truncated'),
    (_encoded('.png', _NOISE)[:-12], 'png', 'truncated'),
    (_encoded('.png', _NOISE)[:30], 'png', 'truncated'),
    (b'\xff\xd8\xff\xe0' + b'\0' * 50 + b'\xff\xd9', 'jpeg', 'damaged'),
    (b'', 'jpeg', 'begins with nothing'),
    (b'GIF89a' + b'\0' * 20, 'jpeg', 'neither JPEG nor PNG .the data begins with 47 49 46 38'),
    (b'\0' * 12 + _encoded('.png'), '16UC1; compressedDepth png', 'depth images are not supported'),
], ids=['end mark', 'half', 'header only', 'png end', 'png half', 'garbage', 'empty', 'gif', 'depth'])
def test_bad_data_is_refused_in_one_line(content, format, words):
    with pytest.raises(ConversionError, match=words) as caught:
        compressed_to_rgb(_message(content, format))
    assert '\n' not in str(caught.value) and "frame 'front'" in str(caught.value)
    assert isinstance(caught.value, DamagedPicture) == (words in ('truncated', 'damaged'))
