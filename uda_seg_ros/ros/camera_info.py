"""CameraInfo of a picture that was resized, so that masks project like the camera's own picture."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from ..points.projection import Projection


def scale_camera_info(info: CameraInfo, width: int, height: int, header: Header) -> CameraInfo:
    """The camera info of the same view at width x height pixels: K, P and ROI scaled, distortion as it is.

    info: of the camera as it comes. Its picture covers the region of interest if there is one, else the whole sensor, and
    binning has made it smaller: all that is in the scale, so the result has no binning. An info without a size is
    uncalibrated: only its size is set.
    """
    roi = info.roi
    scale_x = width / (roi.width or info.width or width)
    scale_y = height / (roi.height or info.height or height)
    k, p = list(info.k), list(info.p)
    for matrix, columns in ((k, 3), (p, 4)):
        matrix[:columns] = [value * scale_x for value in matrix[:columns]]
        matrix[columns : 2 * columns] = [value * scale_y for value in matrix[columns : 2 * columns]]
    scaled_roi = RegionOfInterest(
        x_offset=round(roi.x_offset * scale_x), y_offset=round(roi.y_offset * scale_y),
        width=round(roi.width * scale_x), height=round(roi.height * scale_y), do_rectify=roi.do_rectify)
    return CameraInfo(
        header=header, width=round((info.width or width) * scale_x), height=round((info.height or height) * scale_y),
        distortion_model=info.distortion_model, d=info.d, k=k, r=info.r, p=p,
        binning_x=min(info.binning_x, 1), binning_y=min(info.binning_y, 1), roi=scaled_roi)


def projection_of(info: CameraInfo, height: int, width: int, rectified: bool) -> Projection:
    """Which pixel of the camera's picture, height x width, a point in the camera's frame is seen at.

    rectified: the picture's distortion has been taken out already, so that P holds. Raises ProjectionError.
    """
    scaled = scale_camera_info(info, width, height, Header())
    k, p, r = (np.reshape(matrix, (3, -1)) for matrix in (scaled.k, scaled.p, scaled.r))
    matrix = p.copy() if rectified and p[0, 0] else np.hstack([k, np.zeros((3, 1))])
    matrix[:2, 2] -= scaled.roi.x_offset, scaled.roi.y_offset
    if rectified:
        return Projection(matrix, (height, width))
    rotation = r.T if r.any() else np.eye(3)
    return Projection(matrix, (height, width), scaled.distortion_model, tuple(scaled.d), rotation)
