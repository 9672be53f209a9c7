"""Ground and wall textures: asphalt, paving, grass, plaster, brick wall, planks, roof tiles."""

from __future__ import annotations

import cv2
import numpy as np

from .atlas import Atlas
from .noise import painted, speckle, value_noise
from .town import Town

PX = 512


def add_surfaces(atlas: Atlas, town: Town, rng: np.random.Generator) -> dict[str, int]:
    """Register one texture of each kind; returns name -> texture number."""
    return {
        'asphalt': atlas.add(_asphalt(rng, town.asphalt)),
        'pavement': atlas.add(_paving(rng, town.pavement)),
        'kerb': atlas.add(_paving(rng, (196, 194, 190))),
        'grass': atlas.add(_grass(rng, town.grass)),
        'hedge': atlas.add(_grass(rng, town.leaves[0], coarse=48)),
        'stone': atlas.add(_courses(rng, (158, 148, 134), rows=8, columns=5)),
        'planks': atlas.add(_planks(rng, (150, 116, 82))),
        'tiles': atlas.add(_courses(rng, (166, 84, 62) if town.gables else (120, 120, 124), rows=16, columns=16)),
        'paint': atlas.add(painted((255, 255, 255), _worn(rng))),
        'plain': atlas.add(painted((255, 255, 255), speckle(rng, 64, 64, 0.02))),
        'metal': atlas.add(painted((255, 255, 255), 0.85 + 0.2 * value_noise(rng, 64, 64, 6))),
    }


def _asphalt(rng: np.random.Generator, colour) -> np.ndarray:
    shade = (0.84 + 0.26 * value_noise(rng, PX, PX, 5))[..., None] * speckle(rng, PX, PX, 0.07)
    image = painted(colour, shade)
    for _ in range(5):
        walk = np.cumsum(rng.normal(0, 9, (22, 2)), axis=0) + rng.uniform(60, PX - 60, 2)
        cv2.polylines(image, [walk.astype(np.int32)], False, [c * 0.62 for c in colour], 1, cv2.LINE_AA)
    for _ in range(2):
        x, y, w, h = rng.integers(20, 340), rng.integers(20, 340), rng.integers(40, 150), rng.integers(30, 120)
        image[y : y + h, x : x + w] = (image[y : y + h, x : x + w] * rng.uniform(0.8, 0.92)).astype(np.uint8)
    return image


def _paving(rng: np.random.Generator, colour) -> np.ndarray:
    rows = 8
    slabs = rng.uniform(0.86, 1.06, (rows, rows)).astype(np.float32)
    shade = cv2.resize(slabs, (PX // 2, PX // 2), interpolation=cv2.INTER_NEAREST)
    shade *= 0.88 + 0.2 * value_noise(rng, PX // 2, PX // 2, 6)
    step = PX // 2 // rows
    shade[::step] *= 0.72
    shade[:, ::step] *= 0.72
    return painted(colour, shade[..., None] * speckle(rng, PX // 2, PX // 2, 0.04))


def _grass(rng: np.random.Generator, colour, coarse: int = 10) -> np.ndarray:
    broad = value_noise(rng, PX, PX, coarse)
    blades = cv2.blur(rng.random((PX, PX), dtype=np.float32), (1, 5), borderType=cv2.BORDER_REFLECT)
    shade = 0.45 + 0.5 * broad + 0.9 * (blades - 0.3)
    image = painted(colour, shade).astype(np.float32)
    image[..., 0] *= 0.8 + 0.4 * value_noise(rng, PX, PX, 4)
    return np.clip(image, 0, 255).astype(np.uint8)


def _courses(rng: np.random.Generator, colour, rows: int, columns: int) -> np.ndarray:
    """Stones or bricks in offset rows with dark joints."""
    size = PX // 2
    image = np.empty((size, size, 3), np.uint8)
    image[:] = [c * 0.62 for c in colour]
    height, width = size / rows, size / columns
    for row in range(rows):
        for column in range(-1, columns + 1):
            x = int((column + 0.5 * (row % 2)) * width)
            tone = np.array(colour) * np.random.default_rng([row, column % columns, 7]).uniform(0.82, 1.12)
            top = int(row * height)
            cv2.rectangle(image, (x + 2, top + 2), (int(x + width) - 1, int(top + height) - 1), tone.tolist(), -1)
    return painted((1, 1, 1), image * (0.84 + 0.3 * value_noise(rng, size, size, 12))[..., None])


def _planks(rng: np.random.Generator, colour) -> np.ndarray:
    size = PX // 2
    tones = np.repeat(rng.uniform(0.8, 1.1, 16).astype(np.float32), size // 16)[None]
    shade = tones * (0.85 + 0.25 * cv2.resize(value_noise(rng, size, size, 16), (size, size)))
    shade[:, :: size // 16] *= 0.45
    return painted(colour, shade)


def _worn(rng: np.random.Generator) -> np.ndarray:
    """Road paint: bright, with scuffed spots."""
    return (0.9 - 0.35 * np.clip(value_noise(rng, 256, 256, 20) - 0.55, 0, 1) * 2)[..., None] * speckle(rng, 256, 256, 0.03)
