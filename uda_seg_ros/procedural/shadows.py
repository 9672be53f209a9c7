"""Dark patches on the ground: polygons whose tint is how much light is left."""

from __future__ import annotations

import math

import numpy as np

from .faces import FaceBuilder

SOFT = (0.6, 0.63, 0.7)
CONTACT = (0.3, 0.31, 0.34)


def disc(shadows: FaceBuilder, centre, radius_m: float, tint=SOFT) -> None:
    """A round shadow under a crown or at the foot of a post."""
    angles = np.arange(14) * math.tau / 14
    outline = np.asarray(centre) + radius_m * np.column_stack([np.cos(angles), np.sin(angles)])
    shadows.ground(outline, 0, 0, 1.0, 0.0, tint=tint)


def footprint(shadows: FaceBuilder, position, heading: float, length_m: float, width_m: float) -> None:
    """The dark gap under a vehicle, and a softer rim about it."""
    c, s = math.cos(heading), math.sin(heading)
    turn = np.array([[c, s], [-s, c]])
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]) * (length_m, width_m)
    for grow, tint, layer in ((1.12, SOFT, 1.0), (0.98, CONTACT, 0.0)):
        shadows.ground((corners * grow) @ turn + position, 0, 0, 1.0, layer, tint=tint)
