"""The scaled camera info projects every point to the same place of the picture as the camera's own."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('sensor_msgs')
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from uda_seg_ros.ros.camera_info import scale_camera_info


def _info(**changes) -> CameraInfo:
    values = {'width': 640, 'height': 480, 'distortion_model': 'plumb_bob', 'd': [0.1, -0.2, 0.0, 0.0, 0.0],
              'k': [500.0, 0.0, 320.0, 0.0, 510.0, 240.0, 0.0, 0.0, 1.0],
              'r': [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
              'p': [480.0, 0.0, 322.0, -48.0, 0.0, 490.0, 238.0, 0.0, 0.0, 0.0, 1.0, 0.0]}
    return CameraInfo(header=Header(frame_id='camera'), **(values | changes))


@pytest.mark.parametrize(('width', 'height'), [(320, 240), (640, 480), (1280, 480)])
def test_points_project_to_the_same_share_of_the_picture(width, height):
    info = _info()
    scaled = scale_camera_info(info, width, height, Header(frame_id='other'))
    assert (scaled.width, scaled.height, scaled.header.frame_id) == (width, height, 'other')
    point = np.array([0.3, -0.2, 2.0, 1.0])
    for name, columns in (('k', 3), ('p', 4)):
        before = np.reshape(getattr(info, name), (3, columns)) @ point[:columns]
        after = np.reshape(getattr(scaled, name), (3, columns)) @ point[:columns]
        share = before[:2] / before[2] / (640, 480)
        assert np.allclose(after[:2] / after[2] / (width, height), share)
    assert list(scaled.d) == list(info.d) and scaled.distortion_model == 'plumb_bob'
    assert list(scaled.r) == list(info.r)


def test_a_region_of_interest_is_what_the_picture_shows():
    roi = RegionOfInterest(x_offset=100, y_offset=40, width=320, height=240, do_rectify=True)
    scaled = scale_camera_info(_info(roi=roi), 160, 120, Header())
    assert (scaled.roi.x_offset, scaled.roi.y_offset, scaled.roi.width, scaled.roi.height) == (50, 20, 160, 120)
    assert (scaled.width, scaled.height, scaled.k[0], scaled.roi.do_rectify) == (320, 240, 250.0, True)


def test_binning_goes_into_the_scale():
    scaled = scale_camera_info(_info(binning_x=2, binning_y=2), 320, 240, Header())
    assert (scaled.width, scaled.k[0], scaled.binning_x, scaled.binning_y) == (320, 250.0, 1, 1)


def test_an_uncalibrated_info_gets_the_size_of_the_picture():
    scaled = scale_camera_info(CameraInfo(), 320, 240, Header())
    assert (scaled.width, scaled.height) == (320, 240) and not np.any(scaled.k)


def test_the_camera_s_own_message_is_left_alone():
    info = _info()
    scale_camera_info(info, 320, 240, Header(frame_id='other'))
    assert info == _info()
