"""Low sun: warm light, a blinding disc when we drive towards it, veiling glare and lens ghosts."""

from __future__ import annotations

import math

import cv2
import numpy as np

from ..classes import SKY
from ..scene import Scene
from .moment import Moment

AZIMUTH, ELEVATION = math.radians(6), math.radians(8.5)
WARM = np.array((1.1, 0.9, 0.68), np.float32)
GLARE = np.array((255, 226, 170), np.float32)
QUARTER = 4


def low_sun(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """Warm tint everywhere; glare by the angle to the sun and by how much of it is hidden."""
    warm = cv2.multiply(image, np.broadcast_to(1 + (WARM - 1) * severity, image.shape).copy(), dtype=cv2.CV_32F)
    position, cosine = _sun(scene)
    veil = 0.1 * severity * max(cosine, 0.0) ** 2
    height, width = scene.label.shape
    glare = np.full((height // QUARTER, width // QUARTER), veil, np.float32)
    if position is not None:
        free = _unhidden(scene.label, position)
        glare += severity * (0.35 + 0.65 * free) * _halo(height, width, position)
        glare += severity * free * _ghosts(height, width, position)
    glare = np.clip(cv2.resize(glare, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)
    glare = cv2.merge([glare] * 3)
    return np.clip(warm + (GLARE - warm * np.float32(0.85)) * glare, 0, 255).astype(np.uint8)


def _sun(scene: Scene) -> tuple[tuple[float, float] | None, float]:
    """Pixel of the sun, None when it stands behind, and the cosine of its angle to the optical axis."""
    height, width = scene.label.shape
    if scene.camera is None or scene.pose is None:
        return (0.62 * width, 0.3 * height), 1.0
    flat = math.cos(ELEVATION)
    world = np.array([flat * math.cos(AZIMUTH), flat * math.sin(AZIMUTH), math.sin(ELEVATION)])
    x, y, z = scene.pose.rotation @ world
    if z < 0.1:
        return None, float(z)
    focal = scene.camera.focal_px
    return ((width - 1) / 2 + focal * x / z, (height - 1) / 2 + focal * y / z), float(z)


def _unhidden(label: np.ndarray, position: tuple[float, float]) -> float:
    """Share of sky about the sun."""
    height, width = label.shape
    reach = max(4, height // 24)
    x, y = round(position[0]), round(position[1])
    if not (-reach < x < width + reach and -reach < y < height + reach):
        return 0.0
    around = label[max(y - reach, 0) : max(y + reach, 1), max(x - reach, 0) : max(x + reach, 1)]
    return float(np.mean(around == SKY)) if around.size else 0.0


def _halo(height: int, width: int, position: tuple[float, float]) -> np.ndarray:
    """Disc and glow that fall off with the distance in pixels, at quarter size."""
    x = np.arange(width // QUARTER, dtype=np.float32)[None] * QUARTER - np.float32(position[0])
    y = np.arange(height // QUARTER, dtype=np.float32)[:, None] * QUARTER - np.float32(position[1])
    away = np.hypot(x, y) / np.float32(height)
    rays = 1 + 0.25 * np.cos(np.arctan2(y, x) * 9 + 0.6)
    return 1.3 * np.exp(-((away / 0.07) ** 2)) + 0.62 * np.exp(-away / 0.16) * rays + 0.34 * np.exp(-away / 0.7)


def _ghosts(height: int, width: int, position: tuple[float, float]) -> np.ndarray:
    """Faint rings mirrored through the middle of the lens."""
    out = np.zeros((height // QUARTER, width // QUARTER), np.float32)
    middle = np.array((width / 2, height / 2))
    for share, radius, strength in ((-0.5, 0.05, 0.14), (-0.9, 0.085, 0.1), (-1.35, 0.04, 0.16), (0.45, 0.03, 0.12)):
        centre = (middle + (np.array(position) - middle) * share) / QUARTER
        spot = np.zeros_like(out)
        cv2.circle(spot, tuple(int(c) for c in centre), int(radius * height / QUARTER) + 1, strength, -1)
        out += spot
    return cv2.GaussianBlur(out, (0, 0), 1.2)
