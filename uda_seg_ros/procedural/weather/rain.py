"""Rain: wet dark ground that mirrors, grey sky and air, streaks."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from ..classes import ROAD, SIDEWALK, SKY, TERRAIN
from ..daylight import mix
from ..scene import Scene
from .fog import haze
from .moment import Moment

CLOUD = np.array((150, 155, 162), np.float32)


def overcast(image: np.ndarray, scene: Scene, severity: float, moment: Moment, colour=CLOUD) -> np.ndarray:
    """A closed grey sky and flat, dimmer light."""
    share = np.where(scene.label == SKY, np.float32(1 - 0.9 * severity), np.float32(1 - 0.22 * severity))
    return mix(image, share, colour * (0.62 + 0.38 * moment.brightness))


def wet_ground(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """Darker ground, with the scene mirrored in it, more so the farther away."""
    image = overcast(image, scene, severity, Moment(moment.frame, moment.seed), CLOUD)
    ground = np.isin(scene.label, (ROAD, SIDEWALK, TERRAIN)).astype(np.float32)
    image = cv2.multiply(image, cv2.merge([1 - 0.38 * severity * ground] * 3), dtype=cv2.CV_8U)
    horizon = _horizon(scene)
    height = image.shape[0]
    rows = np.clip(2 * horizon - np.arange(horizon, height), 0, height - 1)
    mirrored = cv2.blur(image[rows], (5, 15))
    shine = np.linspace(0.62, 0.2, height - horizon, dtype=np.float32)[:, None] * severity
    wet = np.isin(scene.label[horizon:], (ROAD, SIDEWALK))
    image[horizon:] = mix(image[horizon:], 1 - shine * wet, mirrored)
    return image


def rain_fall(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """Haze, then bright streaks in three layers, thicker ones nearer."""
    image = haze(image, scene, 0.013 * severity, moment, CLOUD)
    rng = moment.rng('rain')
    height, width = image.shape[:2]
    streaks = np.zeros((height, width), np.uint8)
    for layer in range(3):
        tile = _streaks(height, width, layer)
        shift = rng.integers(0, height), rng.integers(0, width)
        streaks = cv2.max(streaks, np.roll(tile, shift, axis=(0, 1)))
    strength = 0.62 * severity**0.7 * (0.35 + 0.65 * moment.brightness)
    return cv2.add(image, cv2.merge([cv2.convertScaleAbs(streaks, alpha=strength)] * 3))


def _horizon(scene: Scene) -> int:
    """Row of the horizon; the middle where the camera is not known."""
    height = scene.label.shape[0]
    if scene.camera is None or scene.pose is None:
        return height // 2
    return int(np.clip((height - 1) / 2 + scene.camera.focal_px * np.tan(scene.pose.pitch), 1, height - 2))


@lru_cache(maxsize=8)
def _streaks(height: int, width: int, layer: int) -> np.ndarray:
    rng = np.random.default_rng([height, width, layer])
    tile = np.zeros((height, width), np.uint8)
    length, thickness, count = ((10, 1, 560), (20, 1, 200), (38, 2, 26))[layer]
    scale = height / 360
    for x, y, slant in zip(rng.uniform(0, width, count), rng.uniform(0, height, count), rng.normal(0.1, 0.03, count)):
        stop = (int(x - slant * length * scale), int(y + length * scale))
        cv2.line(tile, (int(x), int(y)), stop, int(rng.integers(50, 150)), thickness, cv2.LINE_AA)
    return cv2.blur(tile, (1, 5))
