"""Water drops on the lens: they stay where they are while the world moves behind them, upside down and out of focus."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from ..daylight import mix
from ..scene import Scene
from .moment import Moment

COUNT = 90


def lens_drops(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """A share of the picture, some 40 % at severity 1, is seen through drops; a seed has its own drops."""
    height, width = image.shape[:2]
    share = _drops(height, width, moment.seed, round(COUNT * severity))
    blurred = cv2.GaussianBlur(image, (0, 0), 0.02 * height)
    through = cv2.addWeighted(blurred, 0.55, cv2.flip(blurred, -1), 0.45, 8)
    return mix(image, 1 - share, through.astype(np.float32))


@lru_cache(maxsize=4)
def _drops(height: int, width: int, seed: int, count: int) -> np.ndarray:
    """HxW float32 in 0..1: the share of drop. It is the first `count` of the seed's drops: more of them hide more."""
    rng = np.random.default_rng([seed, 51])
    share = np.zeros((height, width), np.float32)
    for x, y, size, squeeze in zip(*(rng.random(COUNT) for _ in range(4))):
        if count == 0:
            break
        count -= 1
        radius = height * (0.02 + 0.06 * size**2)
        axes = max(1, round(radius)), max(1, round(radius * (1 + 0.5 * squeeze)))
        cv2.ellipse(share, (round(x * width), round(y * height)), axes, 0, 0, 360, 1.0, -1)
    return cv2.GaussianBlur(share, (0, 0), max(0.5, 0.004 * height))
