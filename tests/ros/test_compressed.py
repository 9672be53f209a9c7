"""JPEG and PNG messages that are written: the exact `format` strings, and that they are read again."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('sensor_msgs')
from std_msgs.msg import Header

from tests.recordings.test_compressed import smooth_rgb
from uda_seg_ros.ros.convert import compressed_to_rgb, to_compressed


@pytest.mark.parametrize(('encoding', 'format', 'expected'), [
    ('mono8', 'png', 'mono8; png compressed '), ('rgb8', 'png', 'rgb8; png compressed bgr8'),
    ('rgb8', 'jpeg', 'rgb8; jpeg compressed bgr8')])
def test_a_written_message_says_its_format_and_is_read_again(encoding, format, expected):
    header = Header(frame_id='front')
    pixels = smooth_rgb() if encoding == 'rgb8' else smooth_rgb()[..., 0]
    msg = to_compressed(pixels, encoding, header, format)
    assert msg.format == expected and msg.header == header
    rgb = compressed_to_rgb(msg)
    assert np.abs(rgb.astype(int) - (pixels if encoding == 'rgb8' else pixels[..., None])).max() <= (
        6 if format == 'jpeg' else 0)


@pytest.mark.parametrize(('encoding', 'format'), [('mono8', 'jpeg'), ('rgb8', 'webp'), ('32FC1', 'png')])
def test_ids_are_never_written_as_jpeg_nor_anything_unknown(encoding, format):
    with pytest.raises(ValueError, match='is not written'):
        to_compressed(smooth_rgb()[..., 0], encoding, Header(), format)
