"""Snow: whitening of what faces up, grey air, flakes that sink and drift."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from ..classes import ROAD, SKY, VEGETATION
from ..daylight import mix
from ..noise import value_noise
from ..scene import Scene
from .fog import haze
from .moment import Moment
from .rain import overcast

WHITE = np.array((236, 240, 246), np.float32)
GREY = np.array((196, 200, 206), np.float32)
TILE_PX, TILE_M = 256, 24.0


def snow_cover(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """Snow lies in growing patches fixed to the ground, thinner on the road, dusts trees, and spares walls."""
    image = overcast(image, scene, severity, Moment(moment.frame, moment.seed), GREY)
    if scene.upward is None:
        up = (scene.label <= 1).astype(np.float32)
    else:
        up = scene.upward.astype(np.float32) * np.float32(1 / 255)
    lying = np.clip(2.6 * severity - 1.9 * _patches(scene), 0, 1)
    thin = np.where(scene.label == ROAD, np.float32(0.78), np.float32(0.95))
    leaves = (scene.label == VEGETATION) & (up < 0.5)
    dusting = np.clip((image[..., 1].astype(np.float32) - 70) / 110, 0, 0.75) * severity
    share = np.where(leaves, dusting, up * lying * thin)
    share[scene.label == SKY] = 0
    return mix(image, 1 - share, WHITE)


def snow_fall(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """Haze, then three layers of flakes; near ones are larger, blurred and faster."""
    image = haze(image, scene, 0.016 * severity, moment, GREY)
    height, width = image.shape[:2]
    flakes = np.zeros((height, width), np.uint8)
    for layer, (sink, drift) in enumerate(((9, 2), (19, 5), (41, 11))):
        swing = 14 * np.sin(0.13 * moment.frame + layer)
        shift = (sink * moment.frame + 37 * layer, int(drift * moment.frame + swing))
        flakes = cv2.max(flakes, np.roll(_flakes(height, width, layer), shift, axis=(0, 1)))
    share = flakes * np.float32(min(1.0, 1.8 * severity) / 255)
    return mix(image, 1 - share, WHITE * (0.45 + 0.55 * moment.brightness))


def _patches(scene: Scene) -> np.ndarray:
    """Noise in 0..1 that stays in place on the ground while the camera moves; HxW float32."""
    height, width = scene.label.shape
    if scene.camera is None or scene.pose is None:
        return np.full((height, width), 0.5, np.float32)
    focal, turn = scene.camera.focal_px, scene.pose.rotation.astype(np.float32)
    x = ((np.arange(width, dtype=np.float32) - (width - 1) / 2) / focal)[None]
    y = ((np.arange(height, dtype=np.float32) - (height - 1) / 2) / focal)[:, None]
    depth = np.minimum(scene.depth, np.float32(500))
    scale = np.float32(TILE_PX / TILE_M)
    base = np.mod(scene.pose.position[:2], TILE_M)
    places = [
        np.mod((depth * (turn[0, k] * x + turn[1, k] * y + turn[2, k]) + np.float32(base[k])) * scale, TILE_PX)
        for k in (0, 1)
    ]
    return cv2.remap(_patch_tile(), places[0].astype(np.float32), places[1].astype(np.float32), cv2.INTER_LINEAR)


@lru_cache(maxsize=1)
def _patch_tile() -> np.ndarray:
    tile = value_noise(np.random.default_rng(41), TILE_PX, TILE_PX, 8, 4)
    return np.pad(tile, ((0, 1), (0, 1)), mode='wrap')


@lru_cache(maxsize=8)
def _flakes(height: int, width: int, layer: int) -> np.ndarray:
    rng = np.random.default_rng([height, width, layer, 9])
    count, radius = ((800, 1.0), (260, 1.7), (60, 3.6))[layer]
    tile = np.zeros((height, width), np.uint8)
    for x, y, size in zip(rng.uniform(0, width, count), rng.uniform(0, height, count), rng.uniform(0.6, 1.3, count)):
        pixels = max(1, round(radius * size * height / 360))
        cv2.circle(tile, (int(x), int(y)), pixels, int(rng.integers(130, 250)), -1, cv2.LINE_AA)
    return cv2.GaussianBlur(tile, (0, 0), (0.5, 0.7, 1.5)[layer])
