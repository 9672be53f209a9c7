"""Reading a serialised image in place against rclpy, field by field."""

from __future__ import annotations

import time

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image

from uda_seg_ros.ros.convert import image_to_rgb
from uda_seg_ros.ros.serialized import ImageView, read_image

from .node_process import picture

FIELDS = ('header', 'height', 'width', 'encoding', 'is_bigendian', 'step')


@pytest.mark.parametrize('encoding', ['rgb8', 'mono8', '8UC3', 'bayer_rggb8', ''])
@pytest.mark.parametrize('frame_id', ['', 'a', 'ab', 'abc', 'abcd', 'left_optical', 'Straße'])
def test_the_fields_are_those_that_rclpy_reads(frame_id, encoding):
    message = picture(1, frame_id=frame_id)
    message.header.stamp.sec, message.encoding, message.is_bigendian = -3, encoding, 1
    content = serialize_message(message)
    read, reference = read_image(content), deserialize_message(content, Image)
    assert isinstance(read, ImageView)
    assert {name: getattr(read, name) for name in FIELDS} == {name: getattr(reference, name) for name in FIELDS}
    assert bytes(read.data) == reference.data.tobytes()


def test_the_pixels_are_not_copied():
    content = serialize_message(picture())
    assert np.shares_memory(image_to_rgb(read_image(content)), np.frombuffer(content, np.uint8))


@pytest.mark.parametrize('cut', [5, 13, 30, 60, 1000])
def test_a_message_that_ends_early_is_left_to_rclpy(cut):
    content = serialize_message(picture())[:cut]
    try:
        expected = deserialize_message(content, Image)
    except Exception as error:
        with pytest.raises(type(error)):
            read_image(content)
    else:
        assert read_image(content) == expected


def test_reading_a_full_hd_image_in_place_is_faster_than_rclpy():
    content = serialize_message(picture(0, 1080, 1920))

    def best_of(read) -> float:
        times = []
        for _ in range(20):
            begin = time.perf_counter()
            read(content)
            times.append(time.perf_counter() - begin)
        return min(times)
    assert best_of(read_image) < 0.2 * best_of(lambda content: deserialize_message(content, Image))
