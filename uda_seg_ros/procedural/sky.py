"""The sky: a gradient with clouds on a cylinder around the camera, and the direction of the sun."""

from __future__ import annotations

import math

import cv2
import numpy as np

from .camera import Camera, Pose
from .noise import value_noise
from .town import Town

COLUMNS, ROWS = 2048, 384
CLOUD_PX = 512
LOWEST, HIGHEST = math.radians(-8), math.radians(62)


def sun_direction(town: Town) -> np.ndarray:
    """Unit vector from the ground towards the sun."""
    azimuth, elevation = math.radians(town.sun_azimuth_deg), math.radians(town.sun_elevation_deg)
    flat = math.cos(elevation)
    return np.array([flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)])


class Sky:
    """Looks up the colour of the sky for every pixel of a camera, whichever way it is turned."""

    def __init__(self, town: Town, camera: Camera, rng: np.random.Generator) -> None:
        self._panorama = _paint(town, rng)
        x = np.arange(camera.width, dtype=np.float32) - (camera.width - 1) / 2
        y = (camera.height - 1) / 2 - np.arange(camera.height, dtype=np.float32)
        self._azimuth = np.broadcast_to(np.arctan2(x, camera.focal_px)[None], (camera.height, camera.width))
        self._elevation = np.arctan2(y[:, None], np.hypot(x, camera.focal_px)[None])

    def view(self, pose: Pose, rows: int) -> np.ndarray:
        """The upper `rows` of the image, rows x W x 3 uint8, as if nothing stood in the way."""
        turn = np.float32(math.fmod(-pose.heading, math.tau) + 2 * math.tau)
        column = np.mod((self._azimuth[:rows] + turn) * np.float32(COLUMNS / math.tau), COLUMNS)
        row = (np.float32(HIGHEST - pose.pitch) - self._elevation[:rows]) * np.float32(ROWS / (HIGHEST - LOWEST))
        return cv2.remap(self._panorama, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _paint(town: Town, rng: np.random.Generator) -> np.ndarray:
    elevation = np.linspace(HIGHEST, LOWEST, ROWS, dtype=np.float32)[:, None]
    height = np.clip(elevation / math.radians(45), 0, 1)
    top, low = np.array(town.sky_top, np.float32), np.array(town.sky_low, np.float32)
    image = low + (top - low) * np.broadcast_to((height**0.65)[..., None], (ROWS, COLUMNS, 1))
    cover = _clouds(rng)
    share = np.clip((cover - (0.68 - 0.3 * town.clouds)) * 5, 0, 0.9) * np.clip((elevation - 0.03) * 9, 0, 1)
    share = share[..., None]
    lit = 1.02 - 0.16 * np.clip((cover - 0.55) * 4, 0, 1)[..., None]
    image = image * (1 - share) + np.array((255, 252, 248), np.float32) * lit * share
    image += _sun_glow(town, elevation)
    return np.clip(np.pad(image, ((0, 0), (0, 1), (0, 0)), mode='wrap'), 0, 255).astype(np.uint8)


def _clouds(rng: np.random.Generator) -> np.ndarray:
    """A flat layer of noise overhead, seen in perspective."""
    noise = value_noise(rng, CLOUD_PX, CLOUD_PX, 9, 6)
    noise = np.pad(noise, ((0, 1), (0, 1)), mode='wrap')
    elevation = np.linspace(HIGHEST, LOWEST, ROWS, dtype=np.float32)[:, None]
    azimuth = np.arange(COLUMNS, dtype=np.float32)[None] * math.tau / COLUMNS
    away = 1 / np.tan(np.maximum(elevation, 0.07)) * CLOUD_PX / 11
    return cv2.remap(
        noise, np.mod(away * np.cos(azimuth), CLOUD_PX), np.mod(away * np.sin(azimuth), CLOUD_PX), cv2.INTER_LINEAR
    )


def _sun_glow(town: Town, elevation: np.ndarray) -> np.ndarray:
    azimuth = -np.arange(COLUMNS, dtype=np.float32)[None] * math.tau / COLUMNS
    sx, sy, sz = sun_direction(town)
    cosine = np.cos(elevation) * (np.cos(azimuth) * sx + np.sin(azimuth) * sy) + np.sin(elevation) * sz
    glow = 60 * np.exp((cosine - 1) * 14) + 190 * np.exp((cosine - 1) * 900)
    return glow[..., None] * np.array((1.0, 0.94, 0.8), np.float32)
