"""What a camera's own processing does wrong: white balance that drifts, a flat picture, speckle. For tuning only."""

from __future__ import annotations

import math

import cv2
import numpy as np

from ..scene import Scene
from .moment import Moment

WARM = np.array((1.55, 0.95, 0.5))
PERIOD_FRAMES = 120
FLATTEST = 0.78
SPECKLE_STD = 0.55


def white_balance_drift(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """Gains of red and blue wander apart, to and fro between a half and the whole of the severity once in 120 frames."""
    swing = 0.75 + 0.25 * math.cos(math.tau * moment.frame / PERIOD_FRAMES + moment.seed)
    gains = WARM ** (severity * swing)
    table = np.clip(np.arange(256)[None, :, None] * gains, 0, 255).astype(np.uint8)
    return cv2.LUT(image, table)


def low_contrast(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """All values move towards a light grey, by 78 % at severity 1, as through a dirty window."""
    keep = 1 - FLATTEST * severity
    return cv2.convertScaleAbs(image, alpha=keep, beta=150 * (1 - keep))


def speckle(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """Noise in proportion to the light, of standard deviation 0.55 at severity 1, new in every frame."""
    noise = moment.rng('speckle').standard_normal(image.shape[:2], dtype=np.float32)
    return cv2.multiply(image, cv2.merge([1 + noise * np.float32(SPECKLE_STD * severity)] * 3), dtype=cv2.CV_8U)
