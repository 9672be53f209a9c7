"""The street world: repeatable, really three-dimensional, exactly labelled, and rich enough to learn from."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.procedural import TOWNS, World

SIZE = (320, 180)
ROAD, SKY = CITYSCAPES.names.index('road'), CITYSCAPES.names.index('sky')


@pytest.fixture(scope='module', params=list(TOWNS))
def world(request) -> World:
    return World(request.param, seed=1, size=SIZE)


def test_same_seed_gives_the_same_bits_in_any_order(world):
    again = World(world.town.name, seed=1, size=SIZE)
    late_first = again.frame(140)
    for index, other in ((3, again.frame(3)), (140, late_first)):
        scene = world.frame(index)
        assert np.array_equal(scene.image, other.image)
        assert np.array_equal(scene.label, other.label)
        assert np.array_equal(scene.depth, other.depth)


def test_thread_count_does_not_change_a_frame(world):
    threads = cv2.getNumThreads()
    one = world.frame(7)
    try:
        cv2.setNumThreads(1 if threads > 1 else 2)
        other = world.frame(7)
    finally:
        cv2.setNumThreads(threads)
    assert np.array_equal(one.image, other.image)


def test_another_seed_is_another_street(world):
    other = World(world.town.name, seed=2, size=SIZE).frame(30)
    assert np.mean(world.frame(30).label != other.label) > 0.1


def test_shapes_and_types(world):
    scene = world.frame(0)
    width, height = SIZE
    assert scene.image.shape == (height, width, 3) and scene.image.dtype == np.uint8
    assert scene.label.shape == (height, width) and scene.label.dtype == np.uint8
    assert scene.depth.shape == (height, width) and scene.depth.dtype == np.float32


def test_only_the_sky_is_infinitely_far(world):
    scene = world.frame(20)
    assert np.array_equal(np.isinf(scene.depth), scene.label == SKY)
    assert (scene.depth > 0).all()


def test_road_depth_is_that_of_the_ground_plane(world):
    scene = world.frame(20)
    rows, columns = np.nonzero(scene.label == ROAD)
    rays = np.linalg.inv(scene.camera.matrix) @ np.stack([columns, rows, np.ones_like(rows)])
    falls = (scene.pose.rotation.T @ rays)[2]
    expected = -scene.pose.position[2] / falls
    near = (expected > 0) & (expected < 60)
    assert near.mean() > 0.9
    np.testing.assert_allclose(scene.depth[rows, columns][near], expected[near], rtol=2e-3)


def test_the_camera_drives_and_near_things_move_more_than_far_ones(world):
    """Carry every pixel of one frame into the next by depth and pose: the ground it lands on is ground there too."""
    first, second = world.frame(40), world.frame(42)
    step = np.linalg.norm(second.pose.position - first.pose.position)
    assert 0.3 < step < 3
    moved, shift = _carried(first, second)
    agreeing = second.label[moved[1], moved[0]] == first.label[moved[3], moved[2]]
    assert agreeing.mean() > 0.85
    depth = first.depth[moved[3], moved[2]]
    assert np.median(shift[depth < 12]) > 3 * np.median(shift[depth > 50])


def _carried(first, second):
    """Columns and rows in the second frame, then in the first, of pixels that stay in view; and how far they moved."""
    height, width = first.label.shape
    rows, columns = np.nonzero((first.label <= 4) & (first.depth < 200))
    rays = np.linalg.inv(first.camera.matrix) @ np.stack([columns, rows, np.ones_like(rows)])
    places = first.pose.rotation.T @ (rays * first.depth[rows, columns]) + first.pose.position[:, None]
    image = first.camera.matrix @ second.pose.rotation @ (places - second.pose.position[:, None])
    x, y = np.rint(image[0] / image[2]).astype(int), np.rint(image[1] / image[2]).astype(int)
    kept = (image[2] > 1) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    shift = np.hypot(image[0] / image[2] - columns, image[1] / image[2] - rows)[kept]
    return (x[kept], y[kept], columns[kept], rows[kept]), shift


def test_a_drive_shows_at_least_thirteen_classes_often(world):
    seen = np.zeros(19)
    indices = range(0, 400, 10)
    for index in indices:
        counts = np.bincount(world.frame(index).label.ravel(), minlength=19)[:19]
        seen += counts > 4
    often = seen / len(indices) >= 0.05
    assert often.sum() >= 13, [CITYSCAPES.names[i] for i in np.flatnonzero(~often)]
    assert (np.bincount(world.frame(0).label.ravel(), minlength=256)[19:] == 0).all()


def test_the_route_turns(world):
    headings = [world.pose(index).heading for index in range(0, 1200, 20)]
    assert max(headings) - min(headings) > 0.5


def test_the_towns_differ_in_geometry_and_look():
    a, b = TOWNS.values()
    assert a.road_half_m != b.road_half_m and a.floors != b.floors and a.tree != b.tree
    assert a.camera_height_m != b.camera_height_m and not set(a.paints) & set(b.paints)


def test_unknown_town_is_named():
    with pytest.raises(ValueError, match=r"unknown town 'atlantis'; towns: town_a, town_b"):
        World('atlantis')
