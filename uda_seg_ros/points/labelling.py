"""What a mask says of each point of a cloud. Points that it says nothing of are unlabelled, with confidence 0."""

from __future__ import annotations

import numpy as np

from ..labels import IGNORE
from .projection import Projection

SAME_ASPECT = 0.02  # of the aspect ratio: what rounding to whole pixels may change


def organised_as(height: int, width: int, picture: tuple[int, int]) -> bool:
    """Whether a cloud has rows and columns as the picture (its height, width) has, not as a spinning lidar's rings."""
    return height > 1 and abs(width * picture[0] - height * picture[1]) <= SAME_ASPECT * height * picture[1]


def by_pixel(points: np.ndarray, height: int, width: int, mask: np.ndarray,
             confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and confidences (N uint8 each) of a depth camera's cloud: row by row, a point for a pixel of the picture.

    points: Nx3, N = height * width. The mask may be larger or smaller than the cloud.
    """
    rows = np.arange(height) * 2 + 1
    columns = np.arange(width) * 2 + 1
    at = np.ix_(rows * mask.shape[0] // (2 * height), columns * mask.shape[1] // (2 * width))
    there = np.isfinite(points).all(axis=1)
    return np.where(there, mask[at].ravel(), np.uint8(IGNORE)), np.where(there, confidence[at].ravel(), np.uint8(0))


def by_projection(points: np.ndarray, projection: Projection, mask: np.ndarray,
                  confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and confidences (N uint8 each) of points in the camera's frame (Nx3), in any order.

    The mask shows the whole of the projection's picture, at any size. A point hidden behind a nearer one gets the label
    of the pixel all the same.
    """
    pixels, seen = projection(points)
    height, width = projection.size
    column = np.floor((pixels[:, 0] + 0.5) * (mask.shape[1] / width))
    row = np.floor((pixels[:, 1] + 0.5) * (mask.shape[0] / height))
    inside = np.flatnonzero(seen & (column >= 0) & (column < mask.shape[1]) & (row >= 0) & (row < mask.shape[0]))
    at = row[inside].astype(np.int64), column[inside].astype(np.int64)
    label, sure = np.full(len(points), IGNORE, np.uint8), np.zeros(len(points), np.uint8)
    label[inside], sure[inside] = mask[at], confidence[at]
    return label, sure
