"""Crops come back from a bundle as they were put in; what is damaged is told."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from uda_seg_ros.labels import IGNORE
from uda_seg_ros.replay import GATE, REPLAY, Crop, Crops, ReplayError, pack

CLASSES = 19


def made(number: int, height: int = 48, width: int = 80) -> Crop:
    rng = np.random.default_rng(number)
    image = cv2.resize(rng.integers(0, 256, (4, 5, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    label = rng.choice(np.array([*range(CLASSES), IGNORE], np.uint8), (height, width))
    return Crop(image, label)


@pytest.fixture
def packed() -> dict[str, torch.Tensor]:
    return pack(map(made, range(5)), REPLAY, CLASSES) | pack(map(made, range(5, 8)), GATE, CLASSES)


@pytest.mark.parametrize(('name', 'first', 'count'), [(REPLAY, 0, 5), (GATE, 5, 3)])
def test_labels_come_back_exactly_and_images_nearly(packed, name, first, count):
    crops = Crops(packed, name)
    assert len(crops) == count and crops.size == (48, 80)
    for number, crop in enumerate(crops, first):
        image, label = made(number)
        np.testing.assert_array_equal(crop.label, label)
        assert np.abs(crop.image.astype(int) - image).mean() < 4  # JPEG
        pixels = np.bincount(label.ravel(), minlength=256)[:CLASSES]
        np.testing.assert_array_equal(crops.class_pixels[number - first], pixels)


def test_any_crop_can_be_asked_for_at_any_time(packed):
    crops = Crops(packed, REPLAY)
    np.testing.assert_array_equal(crops[-1].label, crops[4].label)
    np.testing.assert_array_equal(crops[3].label, made(3).label)
    for wrong in (5, -6):
        with pytest.raises(IndexError, match='5 crops'):
            crops[wrong]


def test_packing_stops_before_the_bytes_are_used_up(packed):
    most = Crops(packed, REPLAY).num_bytes - 1
    crops = Crops(pack(map(made, range(5)), REPLAY, CLASSES, most), REPLAY)
    assert len(crops) == 4 and crops.num_bytes <= most
    assert len(Crops(pack(map(made, range(5)), REPLAY, CLASSES, 10), REPLAY)) == 0


def test_without_crops_there_is_no_size():
    assert Crops(pack([], GATE, CLASSES), GATE).size == (0, 0)


@pytest.mark.parametrize(('change', 'words'), [
    ({'replay.images': None}, 'no tensor replay.images'),
    ({'replay.image_ends': torch.tensor([3])}, 'ends of the files do not fit'),
    ({'replay.class_pixels': torch.zeros(2, CLASSES)}, 'different numbers of crops')])
def test_damaged_tensors_are_refused_in_words(packed, change, words):
    damaged = {name: tensor for name, tensor in {**packed, **change}.items() if tensor is not None}
    with pytest.raises(ReplayError, match=words):
        Crops(damaged, REPLAY)


def test_a_damaged_picture_is_told_when_it_is_asked_for(packed):
    packed['replay.images'] = torch.zeros_like(packed['replay.images'])
    with pytest.raises(ReplayError, match='crop 2 of replay is damaged'):
        Crops(packed, REPLAY)[2]
