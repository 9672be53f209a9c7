from __future__ import annotations

import pickle

import numpy as np
import pytest

from offline.datasets import open_dataset
from offline.synthesize import drives as drives_module
from offline.synthesize.drives import Drives, frames_of, rendered
from uda_seg_ros.labels import CAMVID, CITYSCAPES

SPEC = 'procedural:{}?town=town_a&weather=fog:0.5:1&seeds=[4,7]&frames=1&height=90'


def test_a_drive_opens_like_any_data_set_and_is_rendered_once(tmp_path):
    opened = open_dataset(SPEC.format(tmp_path), CITYSCAPES)
    assert [opened.name(index) for index in range(len(opened))] == ['town_a/4/00000', 'town_a/7/00000']
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.npy')}
    again = open_dataset(SPEC.format(tmp_path), CAMVID)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.npy')} == files
    assert isinstance(opened.image(0), np.memmap) and opened[1].image.shape == (90, 160, 3)
    sky = CITYSCAPES.names.index('sky')
    assert (opened[1].label == sky).any()
    assert ((opened[1].label == sky) == (again[1].label == CAMVID.names.index('sky'))).all()


def test_without_a_root_it_lies_in_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('UDA_SEG_CACHE', str(tmp_path / 'cache'))
    opened = open_dataset('procedural?town=town_b&weather=clear&seeds=[0]&frames=1&height=45&width=64', CITYSCAPES)
    assert opened[0].label.shape == (45, 64) and list((tmp_path / 'cache').glob('drives_*/images.npy'))


@pytest.mark.parametrize('sides, size', [({}, (360, 640)), ({'height': 180}, (180, 320)), ({'width': 320}, (180, 320)),
                                         ({'height': 100, 'width': 100}, (100, 100))])
def test_sizes(sides, size):
    assert Drives('town_a', 'clear', (0,), 1, **sides).size == size


def test_many_frames_are_rendered_by_several_programs_to_the_same_arrays(tmp_path, monkeypatch):
    drives = Drives('town_a', 'clear', (0, 1), 1, height=45)
    monkeypatch.setattr(drives_module, 'WORTH_PROCESSES', 1)
    monkeypatch.setattr(drives_module.os, 'sched_getaffinity', lambda pid: {0, 1})
    images, labels = rendered(drives, tmp_path)
    for index, (image, label) in enumerate(frames_of(drives)):
        assert (images[index] == image).all() and (labels[index] == label).all()


def test_it_travels_by_its_files_not_by_its_pixels(tmp_path):
    opened = open_dataset(SPEC.format(tmp_path), CITYSCAPES)
    packed = pickle.dumps(opened)
    assert len(packed) < 5000 and (pickle.loads(packed).image(1) == opened.image(1)).all()
