"""Trees and bushes: crowns of many leaf clusters, lit from above, on a trunk."""

from __future__ import annotations

import cv2
import numpy as np

from .atlas import Atlas
from .classes import VEGETATION
from .noise import painted, value_noise
from .sprite import EMPTY, Sprite, cut_out
from .town import Town

PX = 320
PROFILES = {'round': (0.62, 1.0, 0.34), 'tall': (0.3, 0.95, 0.12), 'cone': (0.42, 1.0, 0.14)}


def add_trees(atlas: Atlas, town: Town, rng: np.random.Generator) -> list[Sprite]:
    """The town's own species in each of its leaf colours, twice, and one conifer."""
    trees = [_tree(atlas, rng, town.tree, colour) for colour in (*town.leaves, *town.leaves)]
    return [*trees, _tree(atlas, rng, 'cone', tuple(0.75 * c for c in town.leaves[0]))]


def add_bushes(atlas: Atlas, town: Town, rng: np.random.Generator) -> list[Sprite]:
    """Low round bushes without a trunk."""
    return [_crown(atlas, rng, np.array([[0.5, 0.55, 0.42]]), colour, 1.3, trunk=False) for colour in town.leaves]


def _tree(atlas: Atlas, rng: np.random.Generator, kind: str, colour) -> Sprite:
    reach, _, _ = PROFILES[kind]
    count = 70
    height = rng.uniform(0.05, 1.0, count)
    if kind == 'cone':
        radius = reach * (1 - height) + 0.02
    elif kind == 'tall':
        radius = reach * np.sqrt(np.sin(np.pi * (0.06 + 0.9 * height)))
    else:
        radius = reach * np.sqrt(np.maximum(1 - (2 * height - 1) ** 2, 0))
    side = rng.uniform(-1, 1, count)
    x = 0.5 + 0.72 * side * radius
    y = 0.06 + 0.66 * (1 - height)
    blob = (0.12 if kind == 'round' else 0.08) * rng.uniform(0.6, 1.1, count)
    metres = {'round': 7.5, 'tall': 11.0, 'cone': 8.5}[kind]
    return _crown(atlas, rng, np.column_stack([x, y, blob]), colour, metres, trunk=True)


def _crown(atlas: Atlas, rng, blobs: np.ndarray, colour, height_m: float, trunk: bool) -> Sprite:
    labels = np.full((PX, PX), EMPTY, np.uint8)
    shade = np.zeros((PX, PX), np.float32)
    image = np.zeros((PX, PX, 3), np.uint8)
    for x, y, r in blobs[np.argsort(-blobs[:, 2])]:
        centre, radius = (int(x * PX), int(y * PX)), max(4, int(r * PX))
        cv2.circle(labels, centre, radius, VEGETATION, -1)
        cv2.circle(shade, centre, radius, float(0.62 + 0.35 * (1 - y) + 0.12 * (0.5 - x)), -1)
    labels = _leafy(labels, rng)
    light = cv2.GaussianBlur(shade, (0, 0), 5)
    leaves = value_noise(rng, PX, PX, 40, 3)
    clumps = value_noise(rng, PX, PX, 12, 2)
    image[:] = painted(colour, light * (0.12 + 1.05 * leaves + 0.75 * clumps))
    if trunk:
        bark = labels == EMPTY
        cv2.fillPoly(labels, [np.array([[150, 120], [170, 120], [172, 314], [146, 314]])], VEGETATION)
        bark &= labels != EMPTY
        image[bark] = painted((92, 74, 58), 0.6 + 0.6 * value_noise(rng, PX, PX, 24))[bark]
    else:
        labels[int(0.95 * PX) :] = EMPTY
    return cut_out(atlas, image, labels, height_m)


def _leafy(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fray the outline: push the edge in and out by noise."""
    solid = cv2.GaussianBlur((labels != EMPTY).astype(np.float32), (0, 0), 5)
    ragged = solid + 0.75 * (value_noise(rng, PX, PX, 26, 3) - 0.5) > 0.5
    ragged[:3], ragged[-3:], ragged[:, :3], ragged[:, -3:] = False, False, False, False
    return np.where(ragged, VEGETATION, EMPTY).astype(np.uint8)
