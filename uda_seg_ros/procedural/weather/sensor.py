"""The camera's own faults: noise, motion blur, an exposure that wanders."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

from ..scene import Scene
from .moment import Moment

NOISE_STD = 26.0
ZOOM = 0.075
STOPS = 1.4
PERIOD_FRAMES = 90


def sensor_noise(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """Gaussian noise of standard deviation 26 grey levels at severity 1, new in every frame."""
    height, width = image.shape[:2]
    top, left = moment.rng('noise').integers(0, 128, 2)
    grain = _grain(height + 128, width + 128)[top : top + height, left : left + width]
    return cv2.add(image, (grain * np.float32(severity)).astype(np.int16), dtype=cv2.CV_8U)


def motion_blur(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """The mean of the picture growing about its middle, as a long exposure sees a drive, with some shake."""
    height, width = image.shape[:2]
    samples = 6
    shake = moment.rng('blur').normal(0, 4.5 * severity * height / 360, 2)
    total = image.astype(np.float32)
    for k in range(1, samples):
        share = k / (samples - 1)
        zoom = 1 + ZOOM * severity * share
        matrix = np.array([[zoom, 0, (1 - zoom) * width / 2], [0, zoom, (1 - zoom) * height / 2]])
        matrix[:, 2] += shake * share
        total += cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return cv2.convertScaleAbs(total, alpha=1 / samples)


def exposure_drift(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """Gain that swings by up to 1.4 stops either way, once in 90 frames."""
    phase = math.tau * (moment.frame / PERIOD_FRAMES) + moment.seed
    gain = 2 ** (STOPS * severity * math.sin(phase))
    curve = 255 * (1 - np.exp(-gain * 1.6 * np.arange(256) / 255)) / (1 - math.exp(-1.6))
    straight = gain * np.arange(256.0)
    return cv2.LUT(image, np.clip(np.minimum(curve, straight) if gain > 1 else straight, 0, 255).astype(np.uint8))


@lru_cache(maxsize=2)
def _grain(height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(17).standard_normal((height, width, 3), dtype=np.float32)
    return np.clip(np.rint(noise * NOISE_STD), -127, 127).astype(np.int16)
