"""Dusk and night: blue darkness, street lamps that light what is near them, headlights, lit windows, bloom."""

from __future__ import annotations

import cv2
import numpy as np

from ..classes import SKY
from ..scene import Scene
from .moment import Moment

DARK = np.array((0.085, 0.105, 0.165), np.float32)
LAMP = np.array((1.0, 0.8, 0.5), np.float32)
HEADLIGHT = np.array((1.0, 0.95, 0.84), np.float32)
QUARTER = 4
LAMP_REACH_M = 45.0


def night(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """Daylight fades to DARK while lamps come up; a severity of 0.4 is dusk."""
    lamps_on = np.float32(np.clip(1.4 * severity - 0.2, 0, 1))
    light = np.empty(image.shape, np.float32)
    light[:] = DARK**severity
    light[scene.label == SKY] *= np.float32(1 - 0.55 * severity)
    light += _artificial(scene) * lamps_on
    out = cv2.multiply(image, light, dtype=cv2.CV_32F)
    if scene.emission is not None:
        glow = cv2.multiply(image, cv2.merge([scene.emission * np.float32(1.25 / 255)] * 3), dtype=cv2.CV_32F)
        glow *= LAMP**0.6 * lamps_on
        out += glow
        out += _bloom(glow)
    return np.clip(out, 0, 255).astype(np.uint8)


def _artificial(scene: Scene) -> np.ndarray:
    """Light of street lamps and of our own headlights on every surface, HxWx3 float32."""
    height, width = scene.label.shape
    small = (width // QUARTER, height // QUARTER)
    depth = cv2.resize(np.minimum(scene.depth, 300), small, interpolation=cv2.INTER_NEAREST)
    light = np.zeros((*depth.shape, 3), np.float32)
    x = np.linspace(-1, 1, small[0], dtype=np.float32)[None]
    y = np.linspace(-1, 1, small[1], dtype=np.float32)[:, None]
    beam = np.exp(-((x / 0.55) ** 2) - ((y - 0.32) / 0.38) ** 2) * np.exp(-depth / 14) * 0.9
    light += beam[..., None] * HEADLIGHT
    if scene.lamps is not None and scene.camera is not None:
        light += _lamplight(scene, depth)[..., None] * LAMP
    light[depth >= 299] = 0
    return cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)


def _lamplight(scene: Scene, depth: np.ndarray) -> np.ndarray:
    """Inverse-square light of the lanterns near the camera, in camera coordinates."""
    height, width = depth.shape
    scale = scene.camera.focal_px * width / scene.camera.width
    x = (np.arange(width, dtype=np.float32) - (width - 1) / 2)[None] / np.float32(scale) * depth
    y = (np.arange(height, dtype=np.float32) - (height - 1) / 2)[:, None] / np.float32(scale) * depth
    total = np.zeros_like(depth)
    for lamp in ((scene.lamps - scene.pose.position) @ scene.pose.rotation.T).astype(np.float32):
        if -8 < lamp[2] < LAMP_REACH_M * 2 and abs(lamp[0]) < LAMP_REACH_M:
            squared = (x - lamp[0]) ** 2 + (depth - lamp[2]) ** 2 + 0.45 * (y - lamp[1]) ** 2
            total += np.where(y > lamp[1], 9 / (squared + 9) ** 1.15 * 9, np.float32(0))
    return np.minimum(0.4 * total, 0.6)


def _bloom(glow: np.ndarray) -> np.ndarray:
    """Light scattered in the lens: wide and narrow halos about bright spots."""
    small = cv2.resize(glow, None, fx=1 / QUARTER, fy=1 / QUARTER, interpolation=cv2.INTER_AREA)
    halo = cv2.GaussianBlur(small, (0, 0), 2.0) * 1.3 + cv2.GaussianBlur(small, (0, 0), 7.0) * 1.6
    return cv2.resize(halo, (glow.shape[1], glow.shape[0]), interpolation=cv2.INTER_LINEAR)
