"""Labels of points: organised and in any order, masks of other sizes, and points that no mask says anything of."""

from __future__ import annotations

import numpy as np
import pytest

from uda_seg_ros.points.labelling import by_pixel, by_projection, organised_as
from uda_seg_ros.points.projection import Projection
from uda_seg_ros.points.rigid import IDENTITY, from_quaternion, parse_rigid

HEIGHT, WIDTH = 24, 32
CAMERA = Projection(np.array([[30.0, 0, 15.5, 0], [0, 30, 11.5, 0], [0, 0, 1, 0]]), (HEIGHT, WIDTH))


def numbered(height: int = HEIGHT, width: int = WIDTH) -> tuple[np.ndarray, np.ndarray]:
    """A mask whose pixels tell apart rows and columns, and a confidence that differs from it."""
    mask = (np.arange(height)[:, None] * 7 + np.arange(width)).astype(np.uint8)
    return mask, 255 - mask


def depth_points(depth: np.ndarray) -> np.ndarray:
    """A point for each pixel of the camera, row by row."""
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([(u - 15.5) * depth / 30, (v - 11.5) * depth / 30, depth], axis=-1).reshape(-1, 3)


def hilly() -> np.ndarray:
    return np.random.default_rng(1).uniform(2, 40, (HEIGHT, WIDTH))


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_a_depth_cloud_is_labelled_by_pixel_and_by_projection_alike(dtype):
    mask, confidence = numbered()
    points = depth_points(hilly()).astype(dtype)
    for label, sure in (by_pixel(points, HEIGHT, WIDTH, mask, confidence), by_projection(points, CAMERA, mask, confidence)):
        np.testing.assert_array_equal(label, mask.ravel())
        np.testing.assert_array_equal(sure, confidence.ravel())
        assert label.dtype == sure.dtype == np.uint8


def test_the_order_of_a_lidars_points_does_not_matter():
    mask, confidence = numbered()
    points, order = depth_points(hilly()), np.random.default_rng(2).permutation(HEIGHT * WIDTH)
    label, _ = by_projection(points[order], CAMERA, mask, confidence)
    np.testing.assert_array_equal(label, mask.ravel()[order])


@pytest.mark.parametrize('times', [2, 0.5, 3])
def test_a_mask_of_another_size_is_read_where_the_pixel_lies(times):
    mask, confidence = numbered()
    rows = (np.arange(int(HEIGHT * times)) + 0.5) / times
    columns = (np.arange(int(WIDTH * times)) + 0.5) / times
    other = np.ix_(rows.astype(int), columns.astype(int))
    expected = mask if times > 1 else mask[1::2, 1::2].repeat(2, axis=0).repeat(2, axis=1)
    points = depth_points(hilly())
    for label, _ in (by_pixel(points, HEIGHT, WIDTH, mask[other], confidence[other]),
                     by_projection(points, CAMERA, mask[other], confidence[other])):
        np.testing.assert_array_equal(label, expected.ravel())


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_a_point_that_is_not_a_number_is_unlabelled(bad):
    mask, confidence = numbered()
    points = depth_points(hilly())
    points[5, 2] = points[9] = bad
    for label, sure in (by_pixel(points, HEIGHT, WIDTH, mask, confidence), by_projection(points, CAMERA, mask, confidence)):
        assert list(label[[5, 9]]) == [255, 255] and list(sure[[5, 9]]) == [0, 0]
        assert label[6] == mask.ravel()[6]


@pytest.mark.parametrize('point', [(0, 0, -5), (0, 0, 0), (3, 0, 5), (-3, 0, 5), (0, 3, 5), (0, -3, 5)])
def test_behind_the_camera_and_outside_the_picture_is_unlabelled(point):
    label, sure = by_projection(np.array([point, (0, 0, 5)], np.float32), CAMERA, *numbered())
    assert label[0] == 255 and sure[0] == 0
    assert label[1] == numbered()[0][12, 16]


def test_edges_of_the_picture_belong_to_the_outermost_pixels():
    mask, confidence = numbered()
    at = np.array([-0.49, -0.51, WIDTH - 0.51, WIDTH - 0.49])
    points = np.stack([(at - 15.5) / 30, np.zeros(4), np.ones(4)], axis=1)
    label, _ = by_projection(points, CAMERA, mask, confidence)
    assert list(label) == [mask[12, 0], 255, mask[12, -1], 255]


def test_no_points_are_no_error():
    label, sure = by_projection(np.zeros((0, 3), np.float32), CAMERA, *numbered())
    assert len(label) == len(sure) == 0


@pytest.mark.parametrize(('height', 'width', 'is_so'), [
    (480, 640, True), (240, 320, True), (241, 320, True), (1, 640, False), (128, 1024, False), (720, 1280, False)])
def test_a_cloud_is_of_a_picture_if_it_has_its_shape_and_not_a_lidars_rings(height, width, is_so):
    assert organised_as(height, width, (480, 640)) is is_so


def test_a_frame_in_another_is_read_as_tf2_echo_prints_it():
    half = np.sqrt(0.5)
    move = parse_rigid(f'[1, 2, 3, 0, 0, {half}, {half}]')  # a quarter turn to the left, then the shift
    np.testing.assert_allclose(move(np.array([(1.0, 0, 0)])), [(1, 3, 3)], atol=1e-12)
    np.testing.assert_allclose(from_quaternion((1, 2, 3), (0, 0, 5, 5)).rotation, move.rotation, atol=1e-12)
    np.testing.assert_array_equal(IDENTITY(np.array([(1.0, 2, 3)])), [(1, 2, 3)])


@pytest.mark.parametrize('text', ['', '1 2 3', '1 2 3 4 5 6 seven', '0 0 0 0 0 0 0', 'nan 0 0 0 0 0 1'])
def test_what_is_no_frame_is_refused(text):
    with pytest.raises(ValueError, match=r'seven numbers|length 0'):
        parse_rigid(text)
