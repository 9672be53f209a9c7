"""Bags of every kind give the same messages without ROS; a bag that cannot is refused with what it has."""

from __future__ import annotations

import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.recordings.bags import STAMPS, TOPICS, picture, write_all, write_ros1, write_ros2
from uda_seg_ros.recordings.bag import BagError, is_bag, open_bag
from uda_seg_ros.recordings.cameras import IMAGE, choose_images, to_rgb
from uda_seg_ros.recordings.images import image_to_mask, stamp_of


@pytest.fixture(scope='module')
def bags(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp('bags'))


def _storage_of(bag: Path) -> Path:
    return next(path for path in bag.iterdir() if path.suffix in ('.db3', '.mcap')) if bag.is_dir() else bag


def _cut(bag: Path, folder: Path, keep: float) -> Path:
    """A copy of which only the first part of the storage is left, and no metadata."""
    copy = folder / _storage_of(bag).name
    content = _storage_of(bag).read_bytes()
    copy.write_bytes(content[:int(len(content) * keep)])
    return copy


@pytest.mark.parametrize('kind', ['sqlite3', 'mcap', 'zstd', 'ros1'])
def test_every_kind_of_bag_gives_the_same_messages(bags, kind):
    assert is_bag(bags[kind])
    with open_bag(bags[kind]) as bag:
        assert bag.topics() == TOPICS
        assert [bag.count(topic) for topic in (*TOPICS, '/none')] == [len(STAMPS)] * 3 + [0]
        found = list(bag.messages(['/camera/image_raw', '/camera/label']))
    assert [receive_ns for _, receive_ns, _ in found] == sorted(receive_ns for _, receive_ns, _ in found)
    images = [message for topic, _, message in found if topic == '/camera/image_raw']
    labels = [message for topic, _, message in found if topic == '/camera/label']
    assert [stamp_of(image) for image in images] == [stamp_of(label) for label in labels] == STAMPS
    for index, (image, label) in enumerate(zip(images, labels)):
        assert (to_rgb(image, IMAGE) == picture(index)).all() and image.header.frame_id == 'front'
        assert (image_to_mask(label) == picture(index)[..., 0] % 19).all()


@pytest.mark.parametrize('kind', ['sqlite3', 'mcap'])
def test_the_file_inside_and_a_folder_without_metadata_are_bags_too(bags, kind, tmp_path):
    file = _storage_of(bags[kind])
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


@pytest.mark.parametrize('keep', [0.0, 0.4, 0.9])
@pytest.mark.parametrize('kind', ['sqlite3', 'mcap', 'ros1'])
def test_a_truncated_bag_is_one_clear_error(bags, kind, keep, tmp_path):
    copy = tmp_path / bags[kind].name
    if bags[kind].is_dir():
        shutil.copytree(bags[kind], copy)
    else:
        shutil.copy(bags[kind], copy)
    with open(_storage_of(copy), 'r+b') as content:
        content.truncate(int(_storage_of(copy).stat().st_size * keep))
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


def _long_bag(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Longer than a chunk, in pictures of noise."""
    monkeypatch.setattr('tests.recordings.bags.STAMPS', [10**9 + index * 10**8 for index in range(400)])
    if kind == 'ros1':
        return write_ros1(folder / 'a.bag')
    return write_ros2(folder / 'a', kind.partition(' ')[0], compress='zstd' in kind)


@pytest.mark.parametrize('keep', [0.3, 0.8])
@pytest.mark.parametrize('kind', ['sqlite3', 'mcap', 'mcap zstd', 'ros1'])
def test_a_bag_that_was_not_closed_is_read_up_to_the_break(kind, keep, tmp_path, monkeypatch):
    half = _cut(_long_bag(kind, tmp_path, monkeypatch), tmp_path, keep)
    read = []
    with open_bag(half) as bag:
        assert bag.topics() == TOPICS
        counted = bag.count('/camera/image_raw')
        with pytest.raises(BagError, match=rf'breaks off after {counted} messages of /camera/image_raw'):
            read.extend(bag.messages(['/camera/image_raw']))
    assert len(read) == counted and keep - 0.21 < counted / 400 < keep + 0.02  # a chunk is a fifth
    for index, (_, _, message) in enumerate(read):
        assert (to_rgb(message, IMAGE) == picture(index)).all()


def test_a_ros_1_bag_that_was_not_closed_has_no_index_and_is_read(bags, tmp_path):
    """rosbag leaves such a file as NAME.bag.active: all is there but index_pos in its header."""
    content = bags['ros1'].read_bytes()
    at = content.index(b'index_pos=') + len(b'index_pos=')
    end = struct.unpack('<Q', content[at:at + 8])[0]
    (tmp_path / 'a.bag').write_bytes(content[:at] + bytes(8) + content[at + 8:end])
    with open_bag(tmp_path / 'a.bag') as bag:
        assert bag.topics() == TOPICS and bag.count('/camera/image_raw') == len(STAMPS)
        with pytest.raises(BagError, match='not indexed'):
            assert len(list(bag.messages(['/camera/image_raw']))) == len(STAMPS)


@pytest.mark.parametrize(('name', 'content', 'words'), [
    ('nothing', None, 'not found'), ('notes.txt', b'hello', 'not a bag'), ('empty.bag', b'', 'cannot be read'),
    ('wrong.mcap', b'no mcap at all, but long enough to be read' * 9, 'cannot be read'),
    ('wrong.db3', b'no database', 'cannot be read')])
def test_what_is_no_bag_is_refused(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BagError, match=words):
        open_bag(tmp_path / name)


def test_a_folder_of_pictures_is_no_bag(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'')
    assert not is_bag(tmp_path)
    with pytest.raises(BagError, match='not a bag'):
        open_bag(tmp_path)


@pytest.mark.parametrize('path', [
    'ros2_rosbag2/rosbag2_py/test/resources/mcap/talker', 'ros2_rosbag2/rosbag2_py/test/resources/sqlite3/talker',
    'ros2_rosbag2/rosbag2_tests/resources/mcap/cdr_test', 'embag_ros1/test_2.bag'])
def test_bags_of_real_tools_without_a_camera_list_their_topics(data_root, path):
    with open_bag(data_root / 'samples' / 'rosbag_genuine_no_camera' / path) as bag:
        with pytest.raises(BagError) as caught:
            bag.messages(['/camera/image_raw'])
        for topic in bag.topics():
            assert topic in str(caught.value)


@pytest.mark.parametrize(('topics', 'wanted', 'expected'), [
    ({'/a': 'sensor_msgs/msg/Image', '/l': 'sensor_msgs/msg/Image', '/i': 'sensor_msgs/msg/CameraInfo'}, '', '/a'),
    ({'/a': 'sensor_msgs/msg/CompressedImage'}, '', '/a'),
    ({'/a': 'sensor_msgs/msg/Image', '/b': 'sensor_msgs/msg/CompressedImage'}, '/b', '/b'),
    ({'/a': 'sensor_msgs/msg/Image', '/b': 'sensor_msgs/msg/CompressedImage'}, '', 'choose one with --topic: /a, /b'),
    ({'/i': 'sensor_msgs/msg/CameraInfo'}, '', 'no image topic; it has: /i'),
    ({'/a': 'sensor_msgs/msg/Image'}, '/c', "no image topic '/c'; it has: /a")])
def test_the_camera_is_found_or_asked_for(topics, wanted, expected):
    if expected.startswith('/'):
        assert choose_images(Path('x'), topics, wanted, '/l', '--topic') == expected
    else:
        with pytest.raises(BagError, match=expected):
            choose_images(Path('x'), topics, wanted, '/l', '--topic')


@pytest.mark.parametrize('name', ['camvid_day_dusk_compressed_db3', 'camvid_day_dusk_compressed_mcap',
                                  'camvid_day_dusk_compressed_ros1.bag', 'camvid_day_dusk_raw_db3'])
def test_real_driving_bags_are_read(data_root, name):
    with open_bag(data_root / 'samples' / 'rosbag_generated' / name) as bag:
        topic = choose_images(bag.path, bag.topics(), '', '', '')
        pictures = [to_rgb(message, bag.topics()[topic]) for _, _, message in bag.messages([topic])]
    assert len(pictures) in (6, 24) and all(rgb.shape == (360, 480, 3) and np.ptp(rgb) > 100 for rgb in pictures)
