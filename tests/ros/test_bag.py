"""Bags of every kind give the same messages; a bag that cannot is refused with what it has."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing

import numpy as np
import pytest

pytest.importorskip('rclpy')
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from tests.ros.bags import STAMPS, picture, write_ros1, write_ros2
from uda_seg_ros.ros.bag import BagError, is_bag, open_bag
from uda_seg_ros.ros.convert import compressed_to_rgb, image_to_rgb

TOPICS = {'/camera/image_raw': 'sensor_msgs/msg/Image', '/camera/camera_info': 'sensor_msgs/msg/CameraInfo',
          '/camera/label': 'sensor_msgs/msg/Image'}


@pytest.fixture(scope='module')
def bags(tmp_path_factory):
    root = tmp_path_factory.mktemp('bags')
    return {'sqlite3': write_ros2(root / 'sqlite3', 'sqlite3'), 'mcap': write_ros2(root / 'mcap', 'mcap'),
            'zstd': write_ros2(root / 'zstd', 'mcap', compress=True), 'ros1': write_ros1(root / 'drive.bag')}


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


@pytest.mark.parametrize('kind', ['sqlite3', 'mcap'])
def test_the_file_inside_and_a_folder_without_metadata_are_bags_too(bags, kind, tmp_path):
    file = next(path for path in bags[kind].iterdir() if path.suffix in ('.db3', '.mcap'))
    (tmp_path / 'copy').mkdir()
    shutil.copy(file, tmp_path / 'copy')
    for path in (file, tmp_path / 'copy'):
        with open_bag(path) as bag:
            assert len(list(bag.messages(['/camera/label']))) == len(STAMPS)


@pytest.mark.parametrize('kind', ['sqlite3', 'mcap', 'ros1'])
def test_a_missing_topic_is_refused_with_the_topics_there_are(bags, kind):
    with open_bag(bags[kind]) as bag, pytest.raises(BagError) as caught:
        bag.messages(['/front/image'])
    for words in ("'/front/image'", *TOPICS, 'sensor_msgs/msg/CameraInfo'):
        assert words in str(caught.value)


def test_a_type_that_is_not_installed_is_refused_by_name(bags, monkeypatch):
    with open_bag(bags['mcap']) as bag:
        bag._reader.topics['/camera/label'] = 'robot_msgs/msg/Label'
        with pytest.raises(BagError, match='robot_msgs/msg/Label, which is not installed'):
            bag.messages(['/camera/label'])


@pytest.mark.parametrize('keep', [0.0, 0.4, 0.9])
@pytest.mark.parametrize('kind', ['sqlite3', 'mcap', 'ros1'])
def test_a_truncated_bag_is_one_clear_error(bags, kind, keep, tmp_path):
    copy = tmp_path / bags[kind].name
    if bags[kind].is_dir():
        shutil.copytree(bags[kind], copy)
        file = next(path for path in copy.iterdir() if path.suffix in ('.db3', '.mcap'))
    else:
        file = shutil.copy(bags[kind], copy)
    with open(file, 'r+b') as content:
        content.truncate(int(file.stat().st_size * keep))
    with pytest.raises(BagError) as caught, open_bag(copy) as bag:
        list(bag.messages(['/camera/image_raw']))
    assert str(copy) in str(caught.value) and '\n' not in str(caught.value)


def test_messages_before_a_damaged_place_are_read_and_the_error_says_where_it_is(bags, tmp_path):
    shutil.copytree(bags['sqlite3'], tmp_path / 'bag')
    with closing(sqlite3.connect(next((tmp_path / 'bag').glob('*.db3')))) as database:
        database.execute("UPDATE messages SET data = X'0001' WHERE id = (SELECT messages.id FROM messages JOIN topics ON "
                         "topics.id = topic_id WHERE name = '/camera/image_raw' ORDER BY timestamp LIMIT 1 OFFSET 5)")
        database.commit()
    read = []
    with (pytest.raises(BagError, match='damaged: it breaks off after 5 messages of /camera/image_raw'),
          open_bag(tmp_path / 'bag') as bag):
        read.extend(bag.messages(['/camera/image_raw']))
    assert len(read) == 5


@pytest.mark.parametrize(('name', 'content', 'words'), [
    ('nothing', None, 'not found'), ('notes.txt', b'hello', 'not a bag'), ('empty.bag', b'', 'cannot be read'),
    ('wrong.mcap', b'no mcap at all, but long enough to be read' * 9, 'cannot be read'),
    ('wrong.db3', b'no database', 'cannot be read')])
def test_what_is_no_bag_is_refused(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BagError, match=words):
        open_bag(tmp_path / name)


@pytest.mark.parametrize('kind', ['mcap', 'ros1'])
def test_without_any_library_for_bags_the_error_says_what_to_install(bags, kind, monkeypatch):
    for name in ('rosbag2_py', 'rosbags.rosbag1', 'rosbags.rosbag2'):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BagError, match=r"nothing here reads this bag.*'pip install rosbags'"):
        open_bag(bags[kind])


def test_a_folder_of_pictures_is_no_bag(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'')
    assert not is_bag(tmp_path)
    with pytest.raises(BagError, match='not a bag'):
        open_bag(tmp_path)


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


@pytest.mark.parametrize('path', [
    'ros2_rosbag2/rosbag2_py/test/resources/mcap/talker', 'ros2_rosbag2/rosbag2_py/test/resources/sqlite3/talker',
    'ros2_rosbag2/rosbag2_tests/resources/mcap/cdr_test', 'embag_ros1/test_2.bag'])
def test_bags_of_real_tools_without_a_camera_list_their_topics(data_root, path, reader):
    with open_bag(data_root / 'samples' / 'rosbag_genuine_no_camera' / path, reader) as bag:
        with pytest.raises(BagError) as caught:
            bag.messages(['/camera/image_raw'])
        for topic in bag.topics():
            assert topic in str(caught.value)
