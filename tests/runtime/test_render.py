import numpy as np
import pytest

from uda_seg_ros.labels import LABEL_SPACES
from uda_seg_ros.runtime.render import colorize, overlay

RNG = np.random.default_rng(0)
MASK = RNG.integers(0, 256, (37, 53), np.uint8)
IMAGE = RNG.integers(0, 256, (37, 53, 3), np.uint8)


@pytest.mark.parametrize('space', LABEL_SPACES.values(), ids=LABEL_SPACES)
def test_every_value_of_a_mask_gets_its_colour(space):
    mask = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(colorize(mask, space.palette()), space.palette()[mask])


def test_buffers_are_filled_where_they_fit():
    palette = RNG.integers(0, 256, (256, 3), np.uint8)
    color, mixed = np.empty_like(IMAGE), np.empty_like(IMAGE)
    assert np.shares_memory(colorize(MASK, palette, out=color), color)
    assert np.shares_memory(overlay(IMAGE, color, 0.5, out=mixed), mixed)
    np.testing.assert_array_equal(color, palette[MASK])
    np.testing.assert_array_equal(colorize(MASK, palette, out=np.empty((2, 2, 3), np.uint8)), palette[MASK])


@pytest.mark.parametrize('alpha', [0.0, 0.25, 0.5, 1.0])
def test_overlay_blends(alpha):
    color = RNG.integers(0, 256, IMAGE.shape, np.uint8)
    exact = IMAGE * (1 - alpha) + color * alpha
    assert np.abs(overlay(IMAGE, color, alpha) - exact).max() <= 0.51


def test_colours_of_another_size_are_brought_to_the_picture_without_new_colours():
    color = np.zeros((10, 10, 3), np.uint8)
    color[:, 5:] = 200
    result = overlay(np.zeros((40, 60, 3), np.uint8), color, 1.0)
    np.testing.assert_array_equal(result[:, :30], 0)
    np.testing.assert_array_equal(result[:, 30:], 200)
