"""JPEG and PNG messages: what is read, what is refused, and the exact `format` strings."""

from __future__ import annotations

import array

import cv2
import numpy as np
import pytest

pytest.importorskip('sensor_msgs')
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from uda_seg_ros.ros.convert import ConversionError, DamagedPicture, compressed_to_rgb, to_compressed

FORMATS = {'.jpg': ['jpeg', 'jpg', 'bgr8; jpeg compressed bgr8', 'rgb8; jpeg compressed bgr8', ''],
           '.png': ['png', 'rgb8; png compressed ', 'mono8; png compressed ']}


def _smooth_rgb() -> np.ndarray:
    """Different in every channel and corner, and smooth, so that JPEG stays close."""
    down, right = np.mgrid[0:48, 0:64]
    return np.stack([down * 5, right * 3, np.full_like(down, 90)], axis=-1).astype(np.uint8)


def _message(content: bytes, format: str = 'jpeg') -> CompressedImage:
    return CompressedImage(header=Header(frame_id='front'), format=format, data=array.array('B', content))


def _encoded(ending: str, rgb: np.ndarray | None = None) -> bytes:
    rgb = _smooth_rgb() if rgb is None else rgb
    return cv2.imencode(ending, rgb[..., ::-1] if rgb.ndim == 3 else rgb)[1].tobytes()


@pytest.mark.parametrize(('ending', 'format'), [(e, f) for e, formats in FORMATS.items() for f in formats])
def test_the_picture_is_read_whatever_the_format_is_called(ending, format):
    rgb = compressed_to_rgb(_message(_encoded(ending), format))
    assert np.abs(rgb.astype(int) - _smooth_rgb()).max() <= (6 if ending == '.jpg' else 0)


@pytest.mark.parametrize(('stored', 'expected'), [
    (_smooth_rgb()[..., 0], _smooth_rgb()[..., 0]),
    (_smooth_rgb()[..., 0].astype(np.uint16) * 257, _smooth_rgb()[..., 0]),
], ids=['8 bit', '16 bit'])
def test_a_grey_png_is_read(stored, expected):
    rgb = compressed_to_rgb(_message(_encoded('.png', stored), 'mono16; png compressed '))
    assert (rgb == expected[..., None]).all()


def test_a_png_with_alpha_is_read():
    stored = np.dstack([_smooth_rgb()[..., ::-1], np.full((48, 64), 7, np.uint8)])
    content = cv2.imencode('.png', stored)[1].tobytes()
    assert (compressed_to_rgb(_message(content, 'png')) == _smooth_rgb()).all()


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


@pytest.mark.parametrize(('encoding', 'format', 'expected'), [
    ('mono8', 'png', 'mono8; png compressed '), ('rgb8', 'png', 'rgb8; png compressed bgr8'),
    ('rgb8', 'jpeg', 'rgb8; jpeg compressed bgr8')])
def test_a_written_message_says_its_format_and_is_read_again(encoding, format, expected):
    header = Header(frame_id='front')
    pixels = _smooth_rgb() if encoding == 'rgb8' else _smooth_rgb()[..., 0]
    msg = to_compressed(pixels, encoding, header, format)
    assert msg.format == expected and msg.header == header
    rgb = compressed_to_rgb(msg)
    assert np.abs(rgb.astype(int) - (pixels if encoding == 'rgb8' else pixels[..., None])).max() <= (
        6 if format == 'jpeg' else 0)


@pytest.mark.parametrize(('encoding', 'format'), [('mono8', 'jpeg'), ('rgb8', 'webp'), ('32FC1', 'png')])
def test_ids_are_never_written_as_jpeg_nor_anything_unknown(encoding, format):
    with pytest.raises(ValueError, match='is not written'):
        to_compressed(_smooth_rgb()[..., 0], encoding, Header(), format)
