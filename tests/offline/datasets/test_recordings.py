"""Bags, videos and folders as data: any frame at any time, labels only where asked for, and what cannot be used is told."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('rosbags')
from offline.datasets import DatasetError, open_dataset
from offline.datasets.decoded import RecordingWarning
from offline.storage import frame_store
from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import CAMVID, CITYSCAPES, IGNORE

from .recordings import IMAGES, LABELS, bag, ids, label_pictures, pictures, smooth, video

pytestmark = pytest.mark.filterwarnings('error::offline.datasets.decoded.RecordingWarning')
STAMPS = [10**9 + 50_000_000 * index for index in range(12)]
FRAMES = [(stamp, smooth(index)) for index, stamp in enumerate(STAMPS)]
LABELLED = [(stamp, ids(index)) for index, stamp in enumerate(STAMPS)]
WITH_LABELS = f'label_topic={LABELS}&label_space=cityscapes19'


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('UDA_SEG_CACHE', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


def _open(kind: str, path: Path, options: str = '', labels=CITYSCAPES):
    return open_dataset(f'{kind}:{path}{"?" * bool(options)}{options}', labels)


def _jpeg(index: int) -> bytes:
    return cv2.imencode('.jpg', smooth(index)[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 95))[1].tobytes()


def _close(image: np.ndarray, index: int) -> bool:
    return image.shape == (48, 64, 3) and np.abs(image.astype(int) - smooth(index)).mean() < 2


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3', 'ros1'])
@pytest.mark.parametrize('compressed', [False, True], ids=['raw', 'jpeg'])
def test_a_bag_gives_any_frame_in_any_order(storage, compressed, tmp_path):
    frames = [(stamp, _jpeg(index)) for index, stamp in enumerate(STAMPS)] if compressed else FRAMES
    dataset = _open('bag', bag(tmp_path / 'a.bag', storage, frames, LABELLED), 'stride=5')
    assert len(dataset) == 3 and dataset.labels is None
    assert all(_close(dataset.image(place), number) for place, number in ((2, 10), (0, 0), (1, 5)))
    assert dataset[1].label is None and dataset[1].name == f'000005_{STAMPS[5]}'


def test_a_recorded_jpeg_is_kept_as_it_is(tmp_path):
    dataset = _open('bag', bag(tmp_path / 'a', frames=[(1, _jpeg(3))]))
    decoded = cv2.imdecode(np.frombuffer(_jpeg(3), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert (dataset.image(0) == decoded).all()


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3', 'ros1'])
def test_labels_of_a_bag_come_back_exactly_and_by_stride(storage, tmp_path):
    dataset = _open('bag', bag(tmp_path / 'a.bag', storage, FRAMES, LABELLED), f'{WITH_LABELS}&stride=4')
    dataset.check_labels()
    assert [sample.name[:6] for sample in dataset] == ['000000', '000004', '000008']
    assert all((sample.label == ids(4 * place)).all() and _close(sample.image, 4 * place)
               for place, sample in enumerate(dataset))


def test_labels_near_in_time_are_used_and_the_rest_is_left_out_and_counted(tmp_path):
    late = [(stamp + (3_000_000 if index % 2 else 30_000_000), ids(index)) for index, stamp in enumerate(STAMPS)]
    path = bag(tmp_path / 'a', frames=FRAMES, labels=late)
    with pytest.warns(RecordingWarning, match='6 of 12 messages of /camera/image_raw.*6 of 12 messages of /camera/label'):
        dataset = _open('bag', path, f'{WITH_LABELS}&tolerance_ms=5')
    assert [int(sample.name[:6]) for sample in dataset] == [1, 3, 5, 7, 9, 11]
    assert all((sample.label == ids(int(sample.name[:6]))).all() for sample in dataset)


def test_damaged_pictures_are_left_out_with_one_warning(tmp_path):
    contents = [_jpeg(index)[:-40] if index in (2, 5) else b'' if index == 7 else _jpeg(index) for index in range(12)]
    path = bag(tmp_path / 'a', frames=list(zip(STAMPS, contents)))
    with pytest.warns(RecordingWarning) as caught:
        dataset = _open('bag', path)
    assert len(caught) == 1 and f'3 messages of {IMAGES} cannot be read' in str(caught[0].message)
    assert [int(dataset.name(place)[:6]) for place in range(len(dataset))] == [0, 1, 3, 4, 6, 8, 9, 10, 11]
    assert all(_close(sample.image, int(sample.name[:6])) for sample in dataset)


@pytest.mark.parametrize('options', ['', WITH_LABELS], ids=['plain', 'labelled'])
@pytest.mark.parametrize('storage', ['mcap', 'sqlite3', 'ros1'])
def test_a_bag_that_breaks_off_is_used_up_to_there_with_one_warning(storage, options, tmp_path):
    frames = [(10**9 + index * 10**8, smooth(index, 240, 320)) for index in range(30)]
    labels = [(stamp, ids(index, 240, 320)) for index, (stamp, _) in enumerate(frames)]
    path = bag(tmp_path / 'a.bag', storage, frames, labels)
    file = path if path.is_file() else next(iter([*path.glob('*.mcap'), *path.glob('*.db3')]))
    file.write_bytes(file.read_bytes()[:file.stat().st_size * 2 // 3])
    with pytest.warns(RecordingWarning, match='damaged: it breaks off after') as caught:
        dataset = _open('bag', path, options)
    assert len(caught) == 1 and 8 < len(dataset) < 21
    assert all(np.abs(sample.image.astype(int) - smooth(place, 240, 320)).mean() < 2
               and (sample.label is None or (sample.label == ids(place, 240, 320)).all())
               for place, sample in enumerate(dataset))


def test_a_video_gives_every_so_many_th_frame(tmp_path):
    dataset = _open('video', video(tmp_path / 'a.avi'), 'stride=5')
    assert len(dataset) == 3 and dataset.labels is None and dataset[0].label is None
    assert all(np.abs(dataset.image(place).astype(int) - smooth(number)).mean() < 5 for place, number in ((2, 10), (0, 0)))
    assert [dataset.name(place) for place in range(3)] == ['000000', '000005', '000010']


def test_a_folder_is_read_in_natural_order_and_labels_go_by_name(tmp_path):
    images, labels = pictures(tmp_path / 'images'), label_pictures(tmp_path / 'labels', 11)
    with pytest.warns(RecordingWarning, match='1 pictures have no label'):
        dataset = _open('folder', images, f'labels={labels}&label_space=camvid11', CAMVID)
    assert [sample.name for sample in dataset] == [f'frame{index}.png' for index in range(11)]
    for index, sample in enumerate(dataset):
        expected = ids(index) % 12
        assert (sample.image == smooth(index)).all()
        assert (sample.label == np.where(expected == 11, IGNORE, expected)).all()
    plain = _open('folder', images, 'stride=5')
    assert [plain.name(place) for place in range(len(plain))] == ['frame0.png', 'frame5.png', 'frame10.png']
    assert plain.labels is None and plain.key() is None and dataset.key()


def test_images_are_given_where_labels_cannot_be_read(tmp_path):
    """What is a target never has its labels opened."""
    images, labels = pictures(tmp_path / 'images', 3), label_pictures(tmp_path / 'labels', 3)
    folder = _open('folder', images, f'labels={labels}&label_space=camvid11', CAMVID)
    drive = _open('bag', bag(tmp_path / 'a', frames=FRAMES, labels=LABELLED), WITH_LABELS)
    for label in (*labels.iterdir(), drive.inner._store.folder / 'labels.bin'):
        label.unlink()
    assert _close(folder.image(1), 1) and _close(drive.image(1), 1)
    for dataset in (folder, drive):
        with pytest.raises((DatasetError, OSError)):
            dataset.label(1)


@pytest.mark.parametrize(('kind', 'make'), [('bag', lambda path: bag(path, frames=FRAMES)), ('video', video)])
def test_a_recording_is_decoded_once_and_again_when_it_or_its_options_change(kind, make, tmp_path, cache, monkeypatch):
    path = make(tmp_path / 'a.avi')
    _open(kind, path)
    with monkeypatch.context() as patch:
        patch.setattr('offline.datasets.decoded.write_frames', None)
        assert len(_open(kind, path, 'max_gb=1')) == 12
        with pytest.raises(TypeError):
            _open(kind, path, 'stride=2')
    file = next(path.glob('*.mcap')) if path.is_dir() else path
    file.touch()
    _open(kind, path)
    assert len([entry for entry in cache.iterdir() if entry.is_dir()]) == 2


def test_what_was_not_finished_is_not_used_and_leaves_nothing(tmp_path, cache, monkeypatch):
    path, make = video(tmp_path / 'a.avi'), frame_store.to_jpeg
    calls = iter(range(100))

    def interrupted(image):
        if next(calls) == 5:
            raise KeyboardInterrupt
        return make(image)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr('offline.datasets.video.to_jpeg', interrupted)
        _open('video', path)
    assert not [entry for entry in cache.iterdir() if entry.is_dir()]
    assert len(_open('video', path)) == 12


def test_a_recording_travels_to_other_processes_as_a_folder(tmp_path):
    dataset = _open('bag', bag(tmp_path / 'a', frames=FRAMES, labels=LABELLED), WITH_LABELS)
    dataset.image(0)
    content = pickle.dumps(dataset)
    assert len(content) < 4000
    copy = pickle.loads(content)
    assert (copy[7].image == dataset[7].image).all() and (copy[7].label == ids(7)).all()


def test_what_would_not_fit_is_refused_before_the_disk_is_full(tmp_path, cache, monkeypatch):
    path = video(tmp_path / 'a.avi', 40)
    with pytest.raises(DatasetError, match=r'max_gb.*larger stride.*\$UDA_SEG_CACHE'):
        _open('video', path, 'max_gb=0.00002')
    monkeypatch.setattr(frame_store, '_SPARE_BYTES', 10**18)
    with pytest.raises(DatasetError, match='free on the disk'):
        _open('video', path)
    assert not [entry for entry in cache.iterdir() if entry.is_dir()]


def _two_cameras(folder: Path) -> Path:
    from tests.recordings.bags import write_ros2
    return write_ros2(folder / 'two', 'mcap', rename={'/camera/label': '/rear/image_raw'})


def _no_camera(folder: Path) -> Path:
    from tests.recordings.bags import write_ros2
    return write_ros2(folder / 'none', 'mcap', only='/camera/camera_info')


def _text(folder: Path) -> Path:
    (folder / 'a.mp4').write_text('no video')
    return folder / 'a.mp4'


@pytest.mark.parametrize(('kind', 'make', 'options', 'words'), [
    ('bag', _two_cameras, '', ['several image topics', 'topic=', '/camera/image_raw, /rear/image_raw']),
    ('bag', _no_camera, '', ['no image topic', '/camera/camera_info (sensor_msgs/msg/CameraInfo)']),
    ('bag', _two_cameras, 'topic=/front', ["no image topic '/front'", '/rear/image_raw']),
    ('bag', _two_cameras, 'label_topic=/label&label_space=camvid11', ["no label topic '/label'", '/rear/image_raw']),
    ('bag', lambda folder: folder / 'nothing', '', ['nothing: not found']),
    ('bag', lambda folder: folder, '', ['not a bag', 'metadata.yaml']),
    ('bag', lambda folder: bag(folder / 'a', frames=[(1, b'no picture')] * 12), '', ['no frame of', 'neither JPEG nor PNG']),
    ('bag', lambda folder: bag(folder / 'a', frames=FRAMES, labels=[(STAMPS[0], smooth(0))]), WITH_LABELS,
     ['holds no labels', 'mono8']),
    ('bag', lambda folder: bag(folder / 'a', frames=FRAMES, labels=[(STAMPS[0], ids(0)[:9])]), WITH_LABELS,
     ['64x9', '64x48']),
    ('bag', lambda folder: bag(folder / 'a', frames=FRAMES, labels=[(1, ids(0))]), WITH_LABELS,
     ['no frame of', 'counterpart']),
    ('video', _text, '', ['a.mp4', 'cannot decode']),
    ('video', lambda folder: folder / 'nothing.mp4', '', ['not found']),
    ('folder', lambda folder: folder / 'nothing', '', ['no such folder', '.jpg']),
    ('folder', lambda folder: folder, '', ['no pictures', '.jpg']),
    ('folder', lambda folder: pictures(folder / 'a', 2), 'labels=nowhere&label_space=camvid11',
     ['no such folder of labels']),
])
def test_what_cannot_be_used_is_refused_in_one_line(kind, make, options, words, tmp_path):
    with pytest.raises(DatasetError) as caught, warnings.catch_warnings():
        warnings.simplefilter('error')
        _open(kind, make(tmp_path), options)
    assert '\n' not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(('spec', 'words'), [
    ('bag:/x?strid=3', "unknown key 'strid' .did you mean 'stride'"), ('bag:/x?stride=0', 'stride must be 1 or more'),
    ('bag:/x?label_topic=/l', 'label_topic and label_space go together'), ('video:/x?topic=/a', "unknown key 'topic'"),
    ('folder:/x?label_space=camvid11', 'labels and label_space go together'),
    ('folder:/x?labels=/y&label_space=camvid', "did you mean 'camvid11'")])
def test_a_wrong_option_is_refused_before_a_file_is_touched(spec, words):
    with pytest.raises(ConfigError, match=words):
        open_dataset(spec, CITYSCAPES)


@pytest.mark.parametrize(('spec', 'count', 'shape'), [
    ('bag:samples/rosbag_generated/camvid_day_dusk_compressed_db3', 24, (360, 480, 3)),
    ('bag:samples/rosbag_generated/camvid_day_dusk_compressed_mcap?stride=5', 5, (360, 480, 3)),
    ('bag:samples/rosbag_generated/camvid_day_dusk_compressed_ros1.bag?stride=12', 2, (360, 480, 3)),
    ('bag:samples/rosbag_generated/camvid_day_dusk_raw_db3', 6, (360, 480, 3)),
    ('video:video/udacity_vehdet_test_video_day_1280x720.mp4?stride=10', 4, (720, 1280, 3)),
    ('folder:samples/udacity_day_images', 14, (540, 960, 3))])
def test_real_recordings_are_used(data_root, spec, count, shape):
    dataset = open_dataset(spec.replace(':', f':{data_root}/', 1), CITYSCAPES)
    assert len(dataset) == count
    image = dataset.image(0)
    assert image.shape == shape and np.ptp(image) > 100
