from __future__ import annotations

import numpy as np
import pytest

from offline.default_bundle.recipe import Augmentation
from offline.default_bundle.transforms import random_colour, random_crop, random_sensor

STILL = Augmentation(crop=(64, 96), brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0, blur=0.0, noise=0.0)


@pytest.fixture
def picture():
    """Stripes whose colour is their label, so that a pixel and its label can be compared after any crop."""
    label = np.repeat(np.arange(16, dtype=np.uint8) // 4, 12)[None, :].repeat(144, 0)
    return np.repeat((label * 60)[..., None], 3, 2), label


@pytest.mark.parametrize('scale', [(1.0, 1.0), (0.5, 0.9), (1.2, 3.0)])
def test_a_crop_has_its_size_and_its_label_stays_with_it(picture, scale):
    random = np.random.default_rng(0)
    for _ in range(20):
        image, label = random_crop(*picture, Augmentation((64, 96), scale), random)
        assert image.shape == (64, 96, 3) and label.shape == (64, 96) and set(np.unique(label)) <= {0, 1, 2, 3}
        assert (np.abs(image[..., 0].astype(int) - label * 60) > 30).mean() < 0.05


def test_the_same_generator_gives_the_same_crop(picture):
    one, two = (random_crop(*picture, STILL, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one[0], two[0]) and np.array_equal(one[1], two[1])


def test_half_of_the_crops_are_mirrored(picture):
    random = np.random.default_rng(0)
    falling = [np.diff(random_crop(*picture, STILL, random)[1][0].astype(int)).min() < 0 for _ in range(200)]
    assert 70 < sum(falling) < 130


def test_colour_changes_only_as_far_as_asked():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    assert np.abs(random_colour(image, STILL, np.random.default_rng(1)).astype(int) - image).max() < 8
    darker = [random_colour(image, Augmentation((64, 96)), np.random.default_rng(seed)).mean() for seed in range(20)]
    assert 0.4 * image.mean() < min(darker) < 0.97 * image.mean() and max(darker) > 1.03 * image.mean()


def test_noise_and_blur_change_only_as_far_as_asked():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    assert (random_sensor(image, STILL, np.random.default_rng(1)) == image).all()
    noisy, blurred = Augmentation((64, 96), blur=0.0, noise=5.0), Augmentation((64, 96), blur=2.0, noise=0.0)
    assert 0 < np.abs(random_sensor(image, noisy, np.random.default_rng(1)).astype(int) - image).mean() < 5
    spreads = [random_sensor(image, blurred, np.random.default_rng(seed)).std() for seed in range(10)]
    assert min(spreads) < 0.7 * image.std() and max(spreads) == image.std()
