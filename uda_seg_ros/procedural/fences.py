"""What bounds a garden or a park: railings, planks, stone walls, hedges."""

from __future__ import annotations

import numpy as np

from .classes import FENCE, VEGETATION, WALL
from .faces import FaceBuilder


def fence(builder: FaceBuilder, start, end, kind: str, textures: dict[str, int]) -> None:
    """A boundary along a line: 'rails', 'planks', 'stone' or 'hedge'."""
    length = float(np.linalg.norm(np.subtract(end, start)))
    options = {'cull': 0, 'reach': True, 'layer': -0.4}
    if kind == 'hedge':
        builder.upright(start, end, 0, 1.35, textures['hedge'], VEGETATION, (length / 4, 0.4), **options)
    elif kind == 'stone':
        builder.upright(start, end, 0, 1.25, textures['stone'], WALL, (length / 3.0, 0.42), **options)
        builder.upright(start, end, 1.25, 1.4, textures['kerb'], WALL, (length / 3.0, 0.1), **options)
    elif kind == 'planks':
        builder.upright(start, end, 0, 1.5, textures['planks'], FENCE, (length / 2.4, 1.0), **options)
    else:
        for low, high in ((0.12, 0.22), (0.55, 0.62), (1.0, 1.12)):
            builder.upright(start, end, low, high, textures['metal'], FENCE, tint=(0.3, 0.34, 0.36), **options)
        _bars(builder, np.asarray(start), np.asarray(end), length, textures, options)


def _bars(builder: FaceBuilder, start, end, length: float, textures, options) -> None:
    direction = (end - start) / length
    for step in np.arange(0, length, 0.5):
        foot = start + direction * step
        builder.upright(foot, foot + direction * 0.07, 0, 1.12, textures['metal'], FENCE, tint=(0.3, 0.34, 0.36), **options)
