"""Tileable value noise: the grain of asphalt, plaster, leaves, clouds and snow."""

from __future__ import annotations

import cv2
import numpy as np


def value_noise(rng: np.random.Generator, height: int, width: int, cells: int, octaves: int = 4) -> np.ndarray:
    """HxW float32 in 0..1 that repeats without a seam; `cells` lattice points across the coarsest octave."""
    total = np.zeros((height, width), np.float32)
    weight = 1.0
    for octave in range(octaves):
        count_x = min(cells * 2**octave, width)
        count_y = max(1, min(round(count_x * height / width), height))
        total += weight * _lattice(rng, height, width, count_y, count_x)
        weight *= 0.55
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def _lattice(rng: np.random.Generator, height: int, width: int, rows: int, columns: int) -> np.ndarray:
    """Random values on a wrapped lattice, interpolated to the full size."""
    pad = 2
    lattice = np.pad(rng.random((rows, columns), dtype=np.float32), pad, mode='wrap')
    step_y, step_x = height / rows, width / columns
    map_y = (np.arange(height, dtype=np.float32) / step_y + pad)[:, None]
    map_x = (np.arange(width, dtype=np.float32) / step_x + pad)[None]
    shape = (height, width)
    return cv2.remap(lattice, np.broadcast_to(map_x, shape).copy(), np.broadcast_to(map_y, shape).copy(), cv2.INTER_CUBIC)


def speckle(rng: np.random.Generator, height: int, width: int, strength: float) -> np.ndarray:
    """HxWx1 float32 of uncorrelated grain around 1."""
    return 1 + strength * rng.standard_normal((height, width, 1), dtype=np.float32)


def painted(base: tuple[float, float, float], shade: np.ndarray) -> np.ndarray:
    """HxWx3 uint8: an RGB colour (0..255) times a HxW or HxWx1 brightness."""
    shade = shade if shade.ndim == 3 else shade[..., None]
    return np.clip(np.asarray(base, np.float32) * shade, 0, 255).astype(np.uint8)
