"""Pinhole and lens against OpenCV's own, and the points that no picture shows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from uda_seg_ros.points.projection import Projection, ProjectionError

MATRIX = np.array([[300.0, 0, 160, 0], [0, 310, 120, 0], [0, 0, 1, 0]])
SIZE = (240, 320)
LENSES = {
    'no distortion': ('plumb_bob', ()),
    'plumb_bob': ('plumb_bob', (-0.3, 0.1, 0.001, -0.002, -0.01)),
    'rational_polynomial': ('rational_polynomial', (0.4, -0.2, 0.001, -0.001, 0.05, 0.6, -0.1, 0.02)),
    'equidistant': ('equidistant', (-0.02, 0.01, -0.003, 0.001)),
}


def points_ahead(count: int = 500) -> np.ndarray:
    """Within 40 degrees of the axis."""
    random = np.random.default_rng(0)
    points = random.uniform(-0.8, 0.8, (count, 3))
    points[:, 2] = random.uniform(1, 30, count)
    points[:, :2] *= points[:, 2:]
    return points


@pytest.mark.parametrize('lens', LENSES)
def test_pixels_are_those_of_opencv(lens):
    model, distortion = LENSES[lens]
    points = points_ahead()
    pixels, seen = Projection(MATRIX, SIZE, model, distortion)(points)
    none = np.zeros(3)
    if model == 'equidistant':
        expected, _ = cv2.fisheye.projectPoints(points[:, None], none, none, MATRIX[:, :3], np.array(distortion))
    else:
        expected, _ = cv2.projectPoints(points, none, none, MATRIX[:, :3], np.array(distortion) if distortion else None)
    assert seen.mean() > 0.9
    np.testing.assert_allclose(pixels[seen], expected.reshape(-1, 2)[seen], atol=1e-6)


def test_single_precision_is_good_to_a_hundredth_of_a_pixel():
    points, projection = points_ahead(), Projection(MATRIX, SIZE, *LENSES['plumb_bob'])
    np.testing.assert_allclose(projection(points.astype(np.float32))[0], projection(points)[0], atol=0.01)


@pytest.mark.parametrize('point', [(0, 0, -1), (0.1, 0.1, 0), (np.nan, 0, 1), (0, 0, np.inf), (0, np.nan, -1)])
@pytest.mark.parametrize('lens', LENSES)
def test_behind_the_camera_or_not_a_number_is_not_seen(lens, point):
    _, seen = Projection(MATRIX, SIZE, *LENSES[lens])(np.array([point, (0, 0, 1)], np.float32))
    assert list(seen) == [False, True]


def test_a_point_far_outside_is_not_folded_back_into_the_picture():
    points = np.array([(1.7, 0, 1.0)])  # 60 degrees aside
    folded, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), MATRIX[:, :3], np.array((-0.3, 0.0, 0, 0, 0)))
    assert 0 <= folded[0, 0, 0] < SIZE[1], 'the case is none'
    _, seen = Projection(MATRIX, SIZE, 'plumb_bob', (-0.3, 0.0, 0, 0, 0))(points)
    assert not seen[0]


def test_the_shift_of_a_stereo_cameras_right_half_and_its_rectification_are_applied():
    matrix = MATRIX.copy()
    matrix[0, 3] = -30  # a baseline of 0.1 m
    turn, _ = cv2.Rodrigues(np.array([0.0, 0.1, 0.0]))
    pixels, _ = Projection(matrix, SIZE, rotation=turn)(np.array([(0, 0, 2.0)]) @ turn)
    np.testing.assert_allclose(pixels, [(160 - 15, 120)])


@pytest.mark.parametrize(('change', 'words'), [
    ({'matrix': np.zeros((3, 4))}, 'not calibrated'),
    ({'model': 'mei', 'distortion': (0.1,)}, "'mei' is not known"),
    ({'model': 'rational_polynomial', 'distortion': (0.1,) * 12}, 'at most 8'),
])
def test_a_geometry_that_cannot_be_used_is_refused_with_the_reason(change, words):
    with pytest.raises(ProjectionError, match=words):
        Projection(**{'matrix': MATRIX, 'size': SIZE, **change})


def test_an_unknown_model_without_coefficients_is_a_pinhole():
    pixels, _ = Projection(MATRIX, SIZE, '', (0.0, 0.0, 0.0, 0.0, 0.0))(np.array([(0.1, 0, 1.0)]))
    np.testing.assert_allclose(pixels, [(190, 120)])
