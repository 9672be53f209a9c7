"""Where one frame lies in another: a rotation and a shift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Rigid:
    """Carries points from one frame into another. rotation: 3x3. translation: 3, metres."""

    rotation: np.ndarray
    translation: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """points: Nx3. What is not a number stays so."""
        with np.errstate(invalid='ignore'):
            return points @ self.rotation.T.astype(points.dtype) + self.translation.astype(points.dtype)


IDENTITY = Rigid(np.eye(3), np.zeros(3))


def from_quaternion(translation: Sequence[float], quaternion: Sequence[float]) -> Rigid:
    """translation: x, y, z in metres. quaternion: x, y, z, w of any length but 0, which raises ValueError."""
    x, y, z, w = np.asarray(quaternion, np.float64)
    norm = x * x + y * y + z * z + w * w
    if not norm > 1e-12:
        raise ValueError('the quaternion (the last four numbers: x y z w) has length 0; no turn is 0 0 0 1')
    s = 2 / norm
    rotation = np.array([
        [1 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w)],
        [s * (x * y + z * w), 1 - s * (x * x + z * z), s * (y * z - x * w)],
        [s * (x * z - y * w), s * (y * z + x * w), 1 - s * (x * x + y * y)]])
    return Rigid(rotation, np.asarray(translation, np.float64))


def parse_rigid(text: str) -> Rigid:
    """From 'x y z qx qy qz qw', with or without commas and brackets. Raises ValueError."""
    words = text.strip().strip('[]()').replace(',', ' ').split()
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) != 7 or not np.isfinite(numbers).all():
        raise ValueError(f'expected seven numbers, x y z qx qy qz qw, got {text!r}')
    return from_quaternion(numbers[:3], numbers[3:])
