"""Whatever a drive comes from, it gives the same frames, stamps and labels; what cannot be played is refused in words."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from tests.recordings.bags import STAMPS, picture, write_ros1, write_ros2
from uda_seg_ros.labels import CAMVID, CITYSCAPES, IGNORE
from uda_seg_ros.ros.bag import BagError
from uda_seg_ros.ros.convert import image_to_rgb
from uda_seg_ros.ros.demo import to_bag
from uda_seg_ros.ros.demo.sources import SourceError, SourceOptions, open_source


def write_pictures(folder: Path, count: int = 12, ending: str = '.png') -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        cv2.imwrite(str(folder / f'frame{index}{ending}'), picture(index)[..., ::-1])
    return folder


def write_labels(folder: Path, count: int = 12) -> Path:
    """Ids of CamVid, 11 is void."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        cv2.imwrite(str(folder / f'frame{index}.png'), picture(index)[..., 0] % 12)
    return folder


def write_video(path: Path, count: int = 12) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 20, (64, 48))
    for index in range(count):
        writer.write(cv2.GaussianBlur(picture(index), (0, 0), 5)[..., ::-1].copy())
    writer.release()
    return path


@pytest.mark.parametrize('kind', ['sqlite3', 'mcap', 'ros1'])
def test_a_bag_is_played_with_its_own_stamps_pace_and_labels(kind, tmp_path):
    path = write_ros1(tmp_path / 'a.bag') if kind == 'ros1' else write_ros2(tmp_path / 'a', kind)
    source = open_source(path, SourceOptions())
    shots = list(source.shots())
    assert [shot.stamp_ns for shot in shots] == STAMPS and len(source) == len(STAMPS)
    assert [shot.due_ns for shot in shots] == [stamp - STAMPS[0] for stamp in STAMPS]
    assert all((image_to_rgb(shot.message) == picture(shot.index)).all() for shot in shots)
    labels = list(source.labels())
    assert source.has_labels and [stamp for stamp, _ in labels] == STAMPS
    assert all((label == picture(index)[..., 0] % 19).all() for index, (_, label) in enumerate(labels))


def test_a_drive_can_be_gone_through_again_and_at_another_rate(tmp_path):
    source = open_source(write_ros2(tmp_path / 'a', 'mcap'), SourceOptions(rate_hz=4))
    for _ in range(2):
        assert [shot.due_ns for shot in source.shots()][:3] == [0, 250_000_000, 500_000_000]


def test_frames_of_one_stamp_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr('tests.recordings.bags.STAMPS', [0] * 5)
    source = open_source(write_ros2(tmp_path / 'a', 'mcap'), SourceOptions())
    assert [shot.stamp_ns for shot in source.shots()] == [0, 1, 2, 3, 4]
    assert '4 frames had the stamp of another frame' in source.notes[0]


def test_pictures_are_played_in_natural_order_and_labels_go_by_name(tmp_path):
    labels = write_labels(tmp_path / 'labels', 11)
    source = open_source(write_pictures(tmp_path / 'images'), SourceOptions(labels=labels, space=CAMVID, rate_hz=20))
    shots = list(source.shots())
    assert len(source) == len(shots) == 12 and shots[1].due_ns == 50_000_000
    assert all((image_to_rgb(shot.message) == picture(shot.index)).all() for shot in shots)
    found = dict(source.labels())
    assert list(found) == [shot.stamp_ns for shot in shots[:11]]
    for shot in shots[:11]:
        ids = picture(shot.index)[..., 0] % 12
        assert (found[shot.stamp_ns] == np.where(ids == 11, IGNORE, ids)).all()


def test_cityscapes_folders_are_known(tmp_path):
    images, labels = tmp_path / 'leftImg8bit' / 'aachen', tmp_path / 'gtFine' / 'aachen'
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    cv2.imwrite(str(images / 'aachen_000_leftImg8bit.png'), picture(0))
    cv2.imwrite(str(labels / 'aachen_000_gtFine_labelIds.png'), np.full((48, 64), 26, np.uint8))
    options = SourceOptions(labels=tmp_path / 'gtFine', space=CITYSCAPES)
    source = open_source(tmp_path / 'leftImg8bit', options)
    assert {int(label[0, 0]) for _, label in source.labels()} == {CITYSCAPES.names.index('car')}


def test_a_picture_that_cannot_be_read_is_reported_skipped_and_counted(tmp_path):
    folder = write_pictures(tmp_path / 'images', 5)
    (folder / 'frame1.png').write_bytes(b'')
    (folder / 'frame3.png').write_bytes(b'no picture')
    source = open_source(folder, SourceOptions())
    assert [shot.index for shot in source.shots()] == [0, 2, 4]
    assert source.skipped == 2 and source.notes == [
        '2 pictures could not be read and were skipped: frame1.png, frame3.png.']


def test_a_video_is_played_at_its_rate(tmp_path):
    source = open_source(write_video(tmp_path / 'a.avi'), SourceOptions())
    shots = list(source.shots())
    assert len(source) == len(shots) == 12 and shots[2].due_ns == 100_000_000 and not source.has_labels
    blurred = cv2.GaussianBlur(picture(7), (0, 0), 5)
    assert np.abs(image_to_rgb(shots[7].message).astype(int) - blurred).mean() < 8


def _two_cameras(tmp_path):
    return write_ros2(tmp_path / 'two', 'mcap', rename={'/camera/label': '/rear/image_raw'})


def _no_camera(tmp_path):
    return write_ros2(tmp_path / 'none', 'mcap', only='/camera/camera_info')


def _truncated_video(tmp_path):
    path = write_video(tmp_path / 'a.avi')
    path.write_bytes(path.read_bytes()[:400])
    return path


def _empty(tmp_path):
    return (tmp_path / 'empty').mkdir() or tmp_path / 'empty'


@pytest.mark.parametrize(('make', 'options', 'words'), [
    (_two_cameras, {}, ['several image topics', '--image-topic', '/camera/image_raw', '/rear/image_raw']),
    (_no_camera, {}, ['no image topic', '/camera/camera_info (sensor_msgs/msg/CameraInfo)']),
    (_two_cameras, {'image_topic': '/front'}, ["no image topic '/front'", '/camera/image_raw']),
    (_two_cameras, {'label_topic': '/camera/camera_info'}, ["no label topic '/camera/camera_info'", '/rear/image_raw']),
    (_two_cameras, {'labels': Path('x')}, ['--label-topic']),
    (_truncated_video, {}, ['cannot decode']),
    (lambda folder: write_video(folder / 'a.avi'), {'labels': Path('x')}, ['a video has no labels']),
    (_empty, {}, ['no bag and no pictures', '.jpg']),
    (lambda folder: write_pictures(folder / 'a', 2), {'labels': Path('nowhere')}, ['no such folder of labels']),
    (lambda folder: write_pictures(folder / 'a', 2), {'labels': Path()}, ['no label belongs', 'frame0.png']),
    (lambda folder: folder / 'nothing', {}, ['not found']),
    (lambda folder: Path(__file__), {}, ['not a drive', 'rosbag2', '.mp4']),
], ids=['two cameras', 'no camera', 'wrong image topic', 'wrong label topic', 'labels of a bag', 'video',
        'labels of a video', 'empty folder', 'no labels', 'other labels', 'nothing', 'other file'])
def test_what_cannot_be_played_is_refused_in_one_line(make, options, words, tmp_path):
    with pytest.raises((SourceError, BagError)) as caught:
        open_source(make(tmp_path), SourceOptions(**options))
    for word in words:
        assert word in str(caught.value)
    assert '\n' not in str(caught.value)


def test_a_chosen_topic_is_played(tmp_path):
    options = SourceOptions(image_topic='/camera/image_raw', label_topic='/rear/image_raw')
    source = open_source(_two_cameras(tmp_path), options)
    assert source.has_labels and len(list(source.labels())) == len(list(source.shots())) == len(STAMPS)


def test_a_label_that_is_no_label_is_refused_by_name(tmp_path):
    folder = write_pictures(tmp_path / 'a', 2)
    source = open_source(folder, SourceOptions(labels=folder))
    with pytest.raises(SourceError, match=r'frame0.png: not a label picture'):
        list(source.labels())


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_folder_becomes_a_bag_that_plays_the_same(storage, tmp_path, capsys):
    images, labels = write_pictures(tmp_path / 'images'), write_labels(tmp_path / 'labels')
    arguments = ['--input', str(images), '--labels', str(labels), '--label-space', 'camvid11', '--rate', '5',
                 '--storage', storage, '--out', str(tmp_path / 'bag'), '--frames', '7']
    assert to_bag.main(arguments) == 0 and '7 frames with labels' in capsys.readouterr().out
    folder = open_source(images, SourceOptions(labels=labels, space=CAMVID, rate_hz=5))
    bag = open_source(tmp_path / 'bag', SourceOptions())
    for ours, theirs in zip(bag.shots(), folder.shots()):
        assert ours.message == theirs.message and ours.due_ns == theirs.due_ns
    assert len(bag) == len(list(bag.labels())) == 7
    for (_, ours), (_, theirs) in zip(bag.labels(), folder.labels()):
        assert (ours == theirs).all()
    assert to_bag.main(arguments) == 2 and 'exists already' in capsys.readouterr().err
