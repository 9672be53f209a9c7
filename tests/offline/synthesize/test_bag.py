"""The bag that a drive is written to, read back with an independent reader."""

from __future__ import annotations

import numpy as np
import pytest

from offline.__main__ import main
from uda_seg_ros.procedural import drive

pytest.importorskip('rosbags')


@pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])
def test_a_bag_returns_what_was_driven(tmp_path, storage):
    from rosbags.rosbag2 import Reader
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    out = tmp_path / 'drive'
    arguments = [
        '--out',
        str(out),
        '--weather',
        'clear:2,fog:1',
        '--seed',
        '7',
        '--size',
        '160x90',
        '--bag',
        storage,
        '--depth',
    ]
    assert main(['synthesize', *arguments]) == 0
    messages: dict[str, list] = {}
    with Reader(out) as reader:
        for connection, stamp_ns, data in reader.messages():
            messages.setdefault(connection.topic, []).append((stamp_ns, store.deserialize_cdr(data, connection.msgtype)))
    topics = {'/camera/image_raw', '/camera/camera_info', '/camera/label', '/camera/depth', '/clock'}
    assert {topic: len(found) for topic, found in messages.items()} == dict.fromkeys(topics, 3)
    for number, frame in enumerate(drive('town_a', 7, 'clear:2,fog:1', size=(160, 90))):
        found = {topic: messages[topic][number] for topic in topics}
        _check_headers(found)
        image, label, depth = (found[f'/camera/{name}'][1] for name in ('image_raw', 'label', 'depth'))
        assert (image.encoding, label.encoding, depth.encoding) == ('rgb8', 'mono8', '32FC1')
        assert np.array_equal(image.data.reshape(90, 160, 3), frame.image)
        assert np.array_equal(label.data.reshape(90, 160), frame.label)
        assert np.array_equal(depth.data.view(np.float32).reshape(90, 160), frame.depth)
        assert (image.step, label.step, depth.step) == (480, 160, 640)
        info = found['/camera/camera_info'][1]
        assert np.array_equal(info.k.reshape(3, 3), frame.camera.matrix) and (info.width, info.height) == (160, 90)


def _check_headers(found) -> None:
    """One stamp and one frame id for all messages of a moment."""
    stamps = {stamp_ns for stamp_ns, _ in found.values()}
    headers = [message.header for topic, (_, message) in found.items() if topic != '/clock']
    clock = found['/clock'][1].clock
    times = {header.stamp.sec * 10**9 + header.stamp.nanosec for header in headers} | {clock.sec * 10**9 + clock.nanosec}
    assert len(stamps) == 1 and times == stamps
    assert len({header.frame_id for header in headers}) == 1 and headers[0].frame_id
