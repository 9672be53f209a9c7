"""The bag of what was served, read again as any viewer would."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from rosbags.interfaces import QosDurability
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from uda_seg_ros.evaluation.masks_bag import CONFIDENCE, LABEL_INFO, MASK, STATUS, VISION_MSGS
from uda_seg_ros.evaluation.plan import RERUN_MISSING
from uda_seg_ros.recordings.bag import open_bag
from uda_seg_ros.recordings.images import image_to_mask, stamp_of

from ..online.conftest import LABELS
from .conftest import evaluate, messages, write_bag

pytestmark = pytest.mark.timeout(360)


def test_every_frame_has_its_mask_and_confidence_with_the_header_of_the_camera(evaluated):
    with open_bag(evaluated.masks) as bag:
        assert bag.topics() == {MASK: 'sensor_msgs/msg/Image', CONFIDENCE: 'sensor_msgs/msg/Image',
                                LABEL_INFO: 'vision_msgs/msg/LabelInfo', STATUS: 'diagnostic_msgs/msg/DiagnosticStatus'}
        images = {topic: [] for topic in (MASK, CONFIDENCE)}
        for topic, receive_ns, message in bag.messages(list(images)):
            assert stamp_of(message) == receive_ns and message.header.frame_id == 'front'
            images[topic].append(message)
    stamps = [line['Stamp']['sec'] * 10**9 + line['Stamp']['nanosec'] for line in evaluated.lines]
    for found in images.values():
        assert [stamp_of(message) for message in found] == stamps
    for line, mask, confidence in zip(evaluated.lines, images[MASK], images[CONFIDENCE]):
        ids, numbers = np.unique(image_to_mask(mask), return_counts=True)
        assert {str(train_id): number for train_id, number in zip(ids, numbers)} == line['Result']['served']['classes']
        assert line['Result']['served']['confidence'] == pytest.approx(image_to_mask(confidence).mean() / 255, abs=1e-6)


def test_class_names_are_there_once_and_latched_and_the_status_says_why(evaluated):
    store = get_typestore(Stores.ROS2_JAZZY)
    for kind, text in VISION_MSGS.items():
        store.register(get_types_from_msg(text, kind))
    found = {LABEL_INFO: [], STATUS: []}
    with Reader(evaluated.masks) as reader:
        for connection, _, content in reader.messages([each for each in reader.connections if each.topic in found]):
            found[connection.topic].append(store.deserialize_cdr(content, connection.msgtype))
            if connection.topic == LABEL_INFO:
                assert connection.ext.offered_qos_profiles[0].durability == QosDurability.TRANSIENT_LOCAL
    info, = found[LABEL_INFO]
    assert [(each.class_id, each.class_name) for each in info.class_map] == list(enumerate(LABELS.names))
    versions = [next(pair.value for pair in status.values if pair.key == 'weights version') for status in found[STATUS]]
    assert versions == [str(line['Result']['weights_version']) for line in evaluated.lines]
    assert all(status.message for status in found[STATUS])


def test_ros_itself_reads_the_masks(evaluated):
    serialization = pytest.importorskip('rclpy.serialization')
    image = importlib.import_module('sensor_msgs.msg').Image
    with Reader(evaluated.masks) as reader:
        _, _, content = next(reader.messages([each for each in reader.connections if each.topic == MASK]))
    message = serialization.deserialize_message(content, image)
    assert (message.encoding, message.width, message.height, message.header.frame_id) == ('mono8', 96, 64, 'front')


def test_a_recording_for_rerun(colours, tmp_path):
    if importlib.util.find_spec('rerun') is None:
        pytest.skip(RERUN_MISSING)
    bag = write_bag(tmp_path / 'bag', messages(2, 2))
    assert evaluate(bag, '--bundle', colours.folder, '--out', tmp_path / 'out', '--no-video', '--rerun') == 0
    assert (tmp_path / 'out' / 'drive.rrd').stat().st_size > 1000
