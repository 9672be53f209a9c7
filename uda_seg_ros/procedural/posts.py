"""The round post that lamps, lights and signs stand on, and the picture it is painted into."""

from __future__ import annotations

import numpy as np

from .classes import POLE
from .sprite import EMPTY

PX_PER_M = 48


def canvas(height_m: float, width_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    height, width = int(height_m * PX_PER_M), int(width_m * PX_PER_M)
    image = np.full((height, width, 3), 90, np.uint8)
    return image, np.full((height, width), EMPTY, np.uint8), np.zeros((height, width), np.uint8)


def post(image, labels, x: int, half: int, top: int, colour=(112, 116, 120)) -> None:
    """A round post: brighter in the middle."""
    for offset in range(-half, half + 1):
        image[top:, x + offset] = np.array(colour) * (1.15 - 0.5 * abs(offset) / (half + 1))
    labels[top:-1, x - half : x + half + 1] = POLE
