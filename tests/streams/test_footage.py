"""Frames of streams: from procedural drives and from a folder laid out as CamVid."""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pytest

from uda_seg_ros.labels import CAMVID, CITYSCAPES, IGNORE
from uda_seg_ros.procedural import Scene
from uda_seg_ros.streams.drives import CamVid, Procedural, depth_by_row, open_material
from uda_seg_ros.streams.errors import StreamError
from uda_seg_ros.streams.footage import by_class, make_footage
from uda_seg_ros.streams.schedule import DAY, DUSK, Part, clean, steady


class Stripes:
    """A drive of one class a frame beside road, sky and building; brighter from frame to frame."""

    weather = MappingProxyType({})

    def __init__(self, classes=('car', 'person', 'car', 'pole', 'person')) -> None:
        self._ids = [CITYSCAPES.names.index(name) for name in classes]

    def __len__(self) -> int:
        return len(self._ids)

    def scene(self, place: int) -> Scene:
        label = np.zeros((32, 64), np.uint8)
        label[:10], label[10:20] = CITYSCAPES.names.index('sky'), CITYSCAPES.names.index('building')
        label[20:24] = self._ids[place]
        image = np.full((32, 64, 3), 40 + 20 * place, np.uint8)
        image[:, :8] = 0
        return Scene(image, label, np.full(label.shape, 20.0, np.float32))

    def label(self, place: int, scene: Scene) -> np.ndarray:
        return scene.label


@pytest.fixture
def material() -> SimpleNamespace:
    drives = {DAY: Stripes(), DUSK: Stripes(('bus',))}
    return SimpleNamespace(labels=CITYSCAPES, resized=False, key='stripes', drives=drives, other=drives)


def test_frames_follow_the_schedule_and_are_kept(material, tmp_path):
    parts = [clean(2), steady('night', 2, 0.9), Part('dusk', 1, drive=DUSK)]
    footage = make_footage(parts, material, (32, 64), tmp_path)
    assert footage.images.shape == (5, 32, 64, 3) and footage.labels.shape == (5, 32, 64)
    assert np.array_equal(footage.frame(1).image, Stripes().scene(1).image)
    assert footage.frame(2).image.mean() < 0.6 * Stripes().scene(2).image.mean()
    assert footage.label(4)[22, 0] == CITYSCAPES.names.index('bus')
    assert [footage.frame(index).stamp_ns for index in (0, 3)] == [0, 3 * 10**9]
    again = make_footage(parts, material, (32, 64), tmp_path)
    assert again.key == footage.key and len(list(tmp_path.glob('footage_*.lock'))) == 1
    assert make_footage(parts, material, (32, 64), tmp_path, seed=1).key != footage.key


def test_a_second_round_is_mirrored(material, tmp_path):
    footage = make_footage([clean(6)], material, (32, 64), tmp_path)
    assert np.array_equal(footage.frame(5).image, footage.frame(0).image[:, ::-1])
    assert np.array_equal(footage.label(5), footage.label(0)[:, ::-1])


@pytest.mark.parametrize('fault, value', [('black', 0), ('saturated', 255), ('frozen', None)])
def test_a_fault_shows_and_is_not_scored(material, tmp_path, fault, value):
    footage = make_footage([clean(2), Part(fault, 3, fault=fault, held=True), clean(1)], material, (32, 64), tmp_path)
    assert (footage.labels[2:5] == IGNORE).all() and (footage.labels[5] != IGNORE).all()
    expected = Stripes().scene(2).image if value is None else np.full((32, 64, 3), value)
    assert all(np.array_equal(footage.frame(index).image, expected) for index in (2, 3, 4))
    assert np.array_equal(footage.frame(5).image, Stripes().scene(3).image)


def test_frames_in_order_of_their_class(material, tmp_path):
    order = by_class(Stripes(), CITYSCAPES, 5)
    assert sorted(order) == [0, 1, 2, 3, 4]
    names = ['car', 'person', 'car', 'pole', 'person']
    runs = [names[place] for place in order]
    assert sum(a != b for a, b in pairwise(runs)) == 2
    footage = make_footage([Part('by class', 5, by_class=True)], material, (32, 64), tmp_path)
    assert [moment.place for moment in footage.moments] == order


def test_procedural_frames_have_the_networks_size(tmp_path):
    material = Procedural(seed=7)
    footage = make_footage([clean(1), Part('dusk', 1, drive=DUSK)], material, (48, 96), tmp_path)
    assert footage.images.shape == (2, 48, 96, 3) and footage.labels.max() < 19
    assert footage.frame(1).image.mean() < 0.75 * footage.frame(0).image.mean(), 'dusk is darker'
    elsewhere = make_footage([clean(1)], material, (48, 96), tmp_path, other=True)
    assert not np.array_equal(elsewhere.label(0), footage.label(0))


def test_camvid_frames_keep_their_size_and_classes(camvid, tmp_path):
    material = open_material(f'camvid:{camvid}')
    foggy = Part('dusk', 1, {'fog': (0.9, 0.9)}, drive=DUSK)
    footage = make_footage([clean(2), foggy], material, (64, 64), tmp_path / 'kept')
    assert footage.images.shape == (3, 36, 48, 3) and footage.space == CAMVID
    assert sorted(np.unique(footage.labels)) == [0, 3, IGNORE]
    assert np.array_equal(footage.frame(1).image, np.full((36, 48, 3), 60))
    assert footage.frame(2).image[:8].mean() > 180, 'fog hides the sky'


def test_depth_by_row_grows_towards_the_horizon():
    depth = depth_by_row(np.full((100, 40), CITYSCAPES.names.index('road'), np.uint8))
    rows = depth[60:, 20]
    assert (np.diff(rows) < 0).all() and 2 < rows[-1] < 5 and depth[10, 20] == pytest.approx(150)


@pytest.mark.parametrize('damage, message', [
    (lambda root: (root / 'splits' / 'seq_0001TP.txt').unlink(), 'needs images/, labels/ and splits/'),
    (lambda root: (root / 'splits' / 'seq_0001TP.txt').write_text(''), 'names no picture'),
    (lambda root: (root / 'images' / 'a.png').unlink(), 'not found, yet the list'),
    (lambda root: (root / 'images' / 'a.png').write_bytes(b'no picture'), 'not a picture'),
    (lambda root: (root / 'labels' / 'a.png').unlink(), 'not found, or no picture of class ids')])
def test_a_damaged_camvid_is_named(camvid, tmp_path, damage, message):
    damage(camvid)
    with pytest.raises(StreamError, match=message):
        make_footage([clean(1)], CamVid(camvid), (64, 64), tmp_path / 'kept')


@pytest.mark.parametrize('text', ['camvid', 'kitti:/x', 'procedural:x', ''])
def test_unknown_data_is_told_what_is_possible(text):
    with pytest.raises(StreamError, match='possible: procedural, camvid:PATH'):
        open_material(text)
