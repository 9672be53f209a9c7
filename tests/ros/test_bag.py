"""Bags of every kind give the same messages of ROS's own, by whichever library; see tests/recordings for the rest."""

from __future__ import annotations

import sys

import numpy as np
import pytest

pytest.importorskip('rclpy')
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from tests.recordings.bags import STAMPS, TOPICS, picture, write_all
from uda_seg_ros.ros.bag import BagError, is_bag, open_bag
from uda_seg_ros.ros.convert import compressed_to_rgb, image_to_rgb


@pytest.fixture(scope='module')
def bags(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp('bags'))


@pytest.fixture(params=['rosbags', 'rosbag2_py'])
def reader(request):
    pytest.importorskip(request.param)
    return request.param


@pytest.mark.parametrize('kind', ['sqlite3', 'mcap', 'zstd', 'ros1'])
def test_every_kind_of_bag_gives_the_same_messages(bags, kind, reader):
    assert is_bag(bags[kind])
    with open_bag(bags[kind], reader) as bag:
        assert bag.topics() == TOPICS
        assert [bag.count(topic) for topic in (*TOPICS, '/none')] == [len(STAMPS)] * 3 + [0]
        found = list(bag.messages(['/camera/image_raw', '/camera/camera_info']))
    assert [receive_ns for _, receive_ns, _ in found] == sorted(receive_ns for _, receive_ns, _ in found)
    images = [message for topic, _, message in found if topic == '/camera/image_raw']
    infos = [message for topic, _, message in found if topic == '/camera/camera_info']
    assert len(found) == 2 * len(STAMPS) and all(isinstance(image, Image) for image in images)
    for index, (image, stamp) in enumerate(zip(images, STAMPS)):
        assert (image.header.stamp.sec * 10**9 + image.header.stamp.nanosec, image.header.frame_id) == (stamp, 'front')
        assert (image_to_rgb(image) == picture(index)).all()
    assert isinstance(infos[0], CameraInfo) and infos[0].k[0] == 500.0 and infos[0].distortion_model == 'plumb_bob'


def test_a_type_that_is_not_installed_is_refused_by_name(bags, monkeypatch):
    with open_bag(bags['mcap']) as bag:
        bag._reader.topics['/camera/label'] = 'robot_msgs/msg/Label'
        with pytest.raises(BagError, match='robot_msgs/msg/Label, which is not installed'):
            bag.messages(['/camera/label'])


@pytest.mark.parametrize('kind', ['mcap', 'ros1'])
def test_without_any_library_for_bags_the_error_says_what_to_install(bags, kind, monkeypatch):
    for name in ('rosbag2_py', 'rosbags.rosbag1', 'rosbags.rosbag2'):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BagError, match=r"nothing here reads this bag.*'pip install rosbags'"):
        open_bag(bags[kind])


SAMPLES = ['camvid_day_dusk_compressed_db3', 'camvid_day_dusk_compressed_mcap', 'camvid_day_dusk_compressed_ros1.bag',
           'camvid_day_dusk_raw_db3']


@pytest.mark.parametrize('name', SAMPLES)
def test_real_driving_bags_are_read(data_root, name, reader):
    with open_bag(data_root / 'samples' / 'rosbag_generated' / name, reader) as bag:
        topic = next(topic for topic, kind in bag.topics().items() if kind.endswith('Image'))
        messages = [message for _, _, message in bag.messages([topic])]
    assert len(messages) in (6, 24)
    rgb = compressed_to_rgb(messages[0]) if isinstance(messages[0], CompressedImage) else image_to_rgb(messages[0])
    assert rgb.shape == (360, 480, 3) and np.ptp(rgb) > 100
