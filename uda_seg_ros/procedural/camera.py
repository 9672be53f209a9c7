"""Pinhole camera and its pose: x right, y down, z forward; pixel centres at whole numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """Intrinsics of a distortion-free pinhole camera, in pixels."""

    width: int
    height: int
    focal_px: float

    @classmethod
    def from_field_of_view(cls, width: int, height: int, horizontal_deg: float) -> Camera:
        """A camera whose image is `horizontal_deg` wide, with square pixels and a central principal point."""
        return cls(width, height, 0.5 * width / math.tan(math.radians(horizontal_deg) / 2))

    @property
    def matrix(self) -> np.ndarray:
        """K, 3x3 float64."""
        cx, cy = (self.width - 1) / 2, (self.height - 1) / 2
        return np.array([[self.focal_px, 0, cx], [0, self.focal_px, cy], [0, 0, 1]])


@dataclass(frozen=True)
class Pose:
    """Where the camera is (world metres, z up) and how it is turned (radians, positive pitch looks up)."""

    position: np.ndarray
    heading: float
    pitch: float = 0.0

    @property
    def rotation(self) -> np.ndarray:
        """World to camera, 3x3; the rows are the camera's right, down and forward in the world."""
        ch, sh, cp, sp = math.cos(self.heading), math.sin(self.heading), math.cos(self.pitch), math.sin(self.pitch)
        right = (sh, -ch, 0.0)
        down = (sp * ch, sp * sh, -cp)
        forward = (cp * ch, cp * sh, sp)
        return np.array([right, down, forward])

    @property
    def right(self) -> np.ndarray:
        """Horizontal unit vector to the right of the camera, in the world."""
        return np.array([math.sin(self.heading), -math.cos(self.heading), 0.0])
