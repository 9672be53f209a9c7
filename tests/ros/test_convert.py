"""ROS's own messages to arrays and back; what is read of each encoding is in tests/recordings/test_images.py."""

from __future__ import annotations

import array
import sys
import time

import numpy as np
import pytest

pytest.importorskip('sensor_msgs')
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from tests.recordings.test_images import CASES, HEIGHT, WIDTH, rgb_picture
from uda_seg_ros.ros.convert import (
    SUPPORTED_ENCODINGS,
    ConversionError,
    image_to_rgb,
    to_image,
)


def _header() -> Header:
    header = Header(frame_id='front_optical')
    header.stamp.sec, header.stamp.nanosec = 12, 345
    return header


def _message(stored: np.ndarray, encoding: str, padding: int = 0, big_endian: bool = False) -> Image:
    """Bytes written row by row, with `padding` bytes of noise after each."""
    stored = stored.astype(stored.dtype.newbyteorder('>' if big_endian else '<'))
    rows = [np.ascontiguousarray(row).tobytes() + b'\xa5' * padding for row in stored]
    return Image(header=_header(), height=HEIGHT, width=WIDTH, encoding=encoding, step=len(rows[0]),
                 is_bigendian=int(big_endian), data=array.array('B', b''.join(rows)))


@pytest.mark.parametrize('encoding', SUPPORTED_ENCODINGS)
def test_an_image_message_is_read_as_the_reference_says(encoding):
    stored, expected, tolerance = CASES[encoding]
    assert np.abs(image_to_rgb(_message(stored, encoding, padding=6)).astype(int) - expected).max() <= tolerance


def test_rgb8_is_read_without_a_copy():
    msg = _message(rgb_picture(), 'rgb8', padding=2)
    assert np.shares_memory(image_to_rgb(msg), np.frombuffer(msg.data, np.uint8))


def _broken(encoding: str = 'rgb8', **changes) -> Image:
    msg = _message(CASES.get(encoding, CASES['rgb8'])[0], encoding)
    for name, value in changes.items():
        setattr(msg, name, value)
    return msg


def test_without_cv_bridge_the_error_says_that_it_would_help(monkeypatch):
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    with pytest.raises(ConversionError, match='cv_bridge knows more encodings'):
        image_to_rgb(_broken('bayer_rggb16'))


def test_with_cv_bridge_an_unusual_encoding_is_read():
    pytest.importorskip('cv_bridge', exc_type=ImportError)
    stored = np.full((HEIGHT, WIDTH, 4), (10, 20, 30, 255), np.uint8)
    try:
        rgb = image_to_rgb(_message(stored, '8UC4'))
    except ConversionError as error:
        assert 'cv_bridge cannot read it either' in str(error)
    else:
        assert rgb.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(('pixels', 'encoding', 'pixel_bytes'), [
    (rgb_picture(), 'rgb8', 3), (rgb_picture()[:, ::-1], 'rgb8', 3), (rgb_picture()[..., 0], 'mono8', 1),
    (CASES['mono16'][0], 'mono16', 2), (CASES['mono16'][0].astype(np.float32), '32FC1', 4),
], ids=['rgb8', 'reversed', 'strided mono8', 'mono16', '32FC1'])
def test_a_written_image_has_the_header_unpadded_rows_and_the_same_values(pixels, encoding, pixel_bytes):
    header = _header()
    msg = to_image(pixels, encoding, header)
    assert msg.header == header and (msg.header.stamp.nanosec, msg.header.frame_id) == (345, 'front_optical')
    assert (msg.height, msg.width, msg.step, msg.is_bigendian) == (HEIGHT, WIDTH, WIDTH * pixel_bytes, 0)
    assert (np.frombuffer(msg.data, pixels.dtype).reshape(pixels.shape) == pixels).all()


def test_written_and_read_again_is_the_same():
    assert (image_to_rgb(to_image(rgb_picture(), 'rgb8', _header())) == rgb_picture()).all()


@pytest.mark.parametrize(('pixels', 'encoding'), [
    (rgb_picture(), 'mono8'), (rgb_picture()[..., 0], 'rgb8'), (rgb_picture().astype(float), 'rgb8'),
    (rgb_picture(), 'bgr8'), (rgb_picture()[:0], 'rgb8'),
], ids=['rgb as mono8', 'grey as rgb8', 'float', 'unknown', 'empty'])
def test_an_array_that_does_not_fit_is_refused(pixels, encoding):
    with pytest.raises(ValueError, match=encoding):
        to_image(pixels, encoding, _header())


def test_filling_a_full_hd_colour_image_costs_little_more_than_copying_it():
    """A copy takes about half a millisecond; any wrong way to fill `data` takes 100 copies."""
    pixels = np.zeros((1080, 1920, 3), np.uint8)

    def fastest(work) -> float:
        times = []
        for _ in range(20):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        return min(times)

    assert fastest(lambda: to_image(pixels, 'rgb8', _header())) < 5 * fastest(pixels.copy)
