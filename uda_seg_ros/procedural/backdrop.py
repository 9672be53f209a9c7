"""The far surroundings: a ring of wooded hills and roofs that closes the end of every street."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .atlas import Atlas
from .classes import BUILDING, VEGETATION
from .faces import FaceBuilder
from .noise import painted, value_noise
from .town import Town

DISTANCE_M = 240.0
NUM_PANELS = 20
PX = (96, 256)


@dataclass(frozen=True)
class Panorama:
    """One panel of the ring: a skyline outline over the texture (u, v in 0..1), its class and height in metres."""

    texture: int
    label: int
    ring: np.ndarray
    height_m: float


def add_backdrop(atlas: Atlas, town: Town, rng: np.random.Generator) -> list[Panorama]:
    """A few tree lines and, in the larger town, more roof lines."""
    houses = 2 if town.gables else 5
    return [_woods(atlas, town, rng) for _ in range(3)] + [_roofs(atlas, town, rng) for _ in range(houses)]


def add_ring(builder: FaceBuilder, panels: list[Panorama], around: np.ndarray) -> None:
    """Stand the panels in a circle about the camera; they turn with the world, and never come nearer."""
    for number in range(NUM_PANELS):
        panel = panels[number * 7 % len(panels)]
        left, right = (math.tau * (number + k) / NUM_PANELS for k in (1.02, -0.02))
        start, end = (around + DISTANCE_M * np.array([math.cos(a), math.sin(a)]) for a in (left, right))
        axis_u = np.array([*(end - start), 0.0])
        builder.add(
            (*start, panel.height_m), axis_u, (0, 0, -panel.height_m), panel.texture, panel.label, panel.ring,
            layer=3000, lit=False, cull=0,
        )  # fmt: skip


def _woods(atlas: Atlas, town: Town, rng: np.random.Generator) -> Panorama:
    height, width = PX
    image = painted(town.leaves[0], 0.7 + 0.5 * value_noise(rng, height, width, 30))
    line = 0.35 + 0.25 * value_noise(rng, 1, width, 6, 4)[0] + 0.06 * rng.random(width)
    u = np.linspace(0, 1, 64)
    skyline = np.column_stack([u, np.interp(u, np.linspace(0, 1, width), line)])
    return Panorama(atlas.add(image), VEGETATION, np.vstack([skyline, [(1, 1), (0, 1)]]), 26.0)


def _roofs(atlas: Atlas, town: Town, rng: np.random.Generator) -> Panorama:
    height, width = PX
    image = painted((172, 172, 178), 0.85 + 0.2 * value_noise(rng, height, width, 8))
    skyline, x = [], 0.0
    while x < 1:
        step, top = rng.uniform(0.05, 0.14), rng.uniform(0.15, 0.7)
        skyline += [(x, top), (min(x + step, 1.0), top)]
        x0, x1 = int(x * width), int(min(x + step, 1.0) * width)
        image[:, x0:x1] = np.clip(image[:, x0:x1] * rng.uniform(0.75, 1.15), 0, 255)
        for row in range(int(top * height) + 4, height, 5):
            cv2.line(image, (x0 + 1, row), (x1 - 2, row), (120, 126, 138), 2)
        x += step
    return Panorama(atlas.add(image), BUILDING, np.array([*skyline, (1, 1), (0, 1)]), 34.0 if not town.gables else 22.0)
