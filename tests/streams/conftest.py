"""A tiny network that has learned nothing, with replay memory and statistics; and a few frames of a drive."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
import torch

from uda_seg_ros.bundle import Bundle
from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.procedural import World
from uda_seg_ros.replay import GATE, REPLAY, Crop, pack
from uda_seg_ros.streams.footage import Footage
from uda_seg_ros.streams.schedule import clean, moments, steady

SIZE = (64, 128)
SPLITS = {'source_day_test': 'a b c', 'seq_0001TP': 'd e', 'source_day_val': 'c', 'target_dusk_adapt': 'e'}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='session')
def scenes():
    world = World('town_a', seed=3, size=SIZE[::-1], fps=1.0)
    return [world.frame(index) for index in range(4)]


@pytest.fixture(scope='session')
def bundle(tiny_bundle, scenes) -> Bundle:
    crops = [Crop(scene.image, scene.label) for scene in scenes]
    tensors = pack(crops[:2], REPLAY, CITYSCAPES.num_classes) | pack(crops[2:], GATE, CITYSCAPES.num_classes)
    return dataclasses.replace(Bundle.load(tiny_bundle), replay=tensors)


@pytest.fixture
def footage(scenes) -> Footage:
    """Two clean frames, two in fog."""
    shown = moments([clean(2), steady('fog', 2)], {'day': 4})
    return Footage(np.stack([scene.image for scene in scenes]), np.stack([scene.label for scene in scenes]), CITYSCAPES,
                   tuple(shown), 'four')


@pytest.fixture
def camvid(tmp_path):
    """A folder laid out as CamVid, of five tiny pictures that get brighter: sky, road, and void below."""
    root = tmp_path / 'camvid'
    for folder in ('images', 'labels', 'splits'):
        (root / folder).mkdir(parents=True)
    for split, names in SPLITS.items():
        (root / 'splits' / f'{split}.txt').write_text('\n'.join(names.split()) + '\n')
    for number, name in enumerate('abcde'):
        image = np.full((36, 48, 3), 50 + 10 * number, np.uint8)
        label = np.full((36, 48), 3, np.uint8)
        label[:12], label[30:] = 0, 11
        cv2.imwrite(str(root / 'images' / f'{name}.png'), image)
        cv2.imwrite(str(root / 'labels' / f'{name}.png'), label)
    return root
