"""From points before a camera to the pixels that they are seen at: the pinhole model and ROS's lens distortions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

# Models of distortion by their names in sensor_msgs/CameraInfo: how many coefficients each may have.
MODELS = {'plumb_bob': 5, 'rational_polynomial': 8, 'equidistant': 4}
STEEPEST = 20.0  # tangent of 87 degrees off the axis: so far out a distortion is looked at


class ProjectionError(ValueError):
    """A camera's geometry that cannot be used. The text says why."""


@dataclass(frozen=True, eq=False)
class Projection:
    """A calibrated camera. matrix: 3x4, pixel centres at whole numbers. size: (height, width) of its picture in pixels.

    distortion: coefficients in the order of CameraInfo; none for a picture without distortion. rotation: 3x3, from the
    frame of the points into the lens's, where a rectified frame differs. Raises ProjectionError.
    """

    matrix: np.ndarray
    size: tuple[int, int]
    model: str = 'plumb_bob'
    distortion: tuple[float, ...] = ()
    rotation: np.ndarray = field(default_factory=lambda: np.eye(3))

    def __post_init__(self) -> None:
        if not (self.matrix[0, 0] > 0 and self.matrix[1, 1] > 0 and np.isfinite(self.matrix).all()):
            raise ProjectionError('the camera is not calibrated: its focal length is 0')
        if any(self.distortion) and self.model not in MODELS:
            raise ProjectionError(f'distortion model {self.model!r} is not known; possible: {", ".join(MODELS)}')
        if any(self.distortion[MODELS.get(self.model, 0):]):
            raise ProjectionError(f'{self.model} has {len(self.distortion)} coefficients; at most '
                                  f'{MODELS[self.model]} are known')

    def __call__(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nx3 points (x right, y down, z forward) to Nx2 pixels (u, v), and N bool: which of them can be seen at all.

        Not seen: behind the camera, not a number, or so far outside that the distortion would fold them back into view.
        The pixel of a point that is not seen means nothing; one that is seen may lie outside the picture.
        """
        with np.errstate(invalid='ignore', divide='ignore', over='ignore'):
            turned = points @ self.rotation.T.astype(points.dtype)
            seen = (turned[:, 2] > 0) & np.isfinite(turned).all(axis=1)
            depth = np.where(seen, turned[:, 2], 1)
            x, y = (np.where(seen, turned[:, axis], 0) / depth for axis in (0, 1))
            if any(self.distortion):
                seen &= np.hypot(x, y) < self._limit()
                x, y = self._distort(np.where(seen, x, 0), np.where(seen, y, 0))
        fx, _, cx, tx = self.matrix[0]
        _, fy, cy, ty = self.matrix[1]
        return np.stack([fx * x + cx + tx / depth, fy * y + cy + ty / depth], axis=1), seen

    def _limit(self) -> float:
        """How far from the axis (tangent of the angle) the distortion is still outward: there the real lens ends."""
        radius = np.linspace(0, STEEPEST, 4001)
        inward = np.flatnonzero(np.diff(radius * self._radial(radius)) <= 0)
        return float(radius[inward[0]]) if len(inward) else STEEPEST

    def _radial(self, radius: np.ndarray) -> np.ndarray:
        """The factor that the distance from the axis changes by."""
        if self.model == 'equidistant':
            angle = np.arctan(radius)
            k = (*self.distortion, 0, 0, 0, 0)
            square = angle * angle
            bent = angle * (1 + square * (k[0] + square * (k[1] + square * (k[2] + square * k[3]))))
            return np.divide(bent, radius, out=np.ones_like(radius), where=radius > 1e-8)
        k = (*self.distortion, *(0.0,) * 8)
        square = radius * radius
        above = 1 + square * (k[0] + square * (k[1] + square * k[4]))
        return above / (1 + square * (k[5] + square * (k[6] + square * k[7])))

    def _distort(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        radius = np.hypot(x, y)
        factor = self._radial(radius)
        if self.model == 'equidistant' or len(self.distortion) < 4:
            return x * factor, y * factor
        p1, p2 = self.distortion[2:4]
        square, cross = radius * radius, 2 * x * y
        return (x * factor + p1 * cross + p2 * (square + 2 * x * x), y * factor + p2 * cross + p1 * (square + 2 * y * y))
