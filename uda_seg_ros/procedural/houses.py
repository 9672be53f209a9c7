"""Buildings: street front, flanks, cornice, roof and awnings, with the shadow they throw."""

from __future__ import annotations

import cv2
import numpy as np

from .classes import BUILDING
from .facades import BAYS, STOREYS
from .faces import FaceBuilder
from .kit import Kit
from .town import Town

STREET_FLOOR_M = 3.7
DEPTH_M = 13.0


def house(builder: FaceBuilder, shadows: FaceBuilder, town: Town, kit: Kit, rng, start, end, shadow_xy) -> None:
    """A building whose front runs from `start` to `end`, left to right as seen from the street.

    `shadow_xy` is how far a shadow reaches on the ground per metre of height.
    """
    start, end = np.asarray(start, float), np.asarray(end, float)
    along = (end - start) / np.linalg.norm(end - start)
    inward = np.array([-along[1], along[0]]) * DEPTH_M
    facade = kit.facades[rng.integers(len(kit.facades))]
    tint = tuple(rng.uniform(0.86, 1.08) * rng.uniform(0.97, 1.03, 3))
    eaves = STREET_FLOOR_M + int(rng.integers(town.floors[0] - 1, town.floors[1])) * town.floor_m
    corners = (start, end, end + inward, start + inward)
    _front(builder, town, facade, start, end, eaves, tint)
    for left, right in ((corners[1], corners[2]), (corners[3], corners[0])):
        _flank(builder, town, facade, left, right, eaves, tint)
    _cornice(builder, kit, corners, eaves, facade.colour, tint)
    if town.gables and rng.random() < 0.8:
        _roof(builder, kit, corners, eaves, inward, tint)
    if rng.random() < 0.45:
        _awning(builder, kit, start, along, -inward / DEPTH_M, float(np.linalg.norm(end - start)), rng)
    _shadow(shadows, kit, corners, eaves, shadow_xy)


def _front(builder, town: Town, facade, start, end, eaves: float, tint) -> None:
    width = float(np.linalg.norm(end - start))
    bays = max(2, round(width / town.bay_m))
    storeys = (eaves - STREET_FLOOR_M) / town.floor_m
    options = {'tint': tint, 'reach': True}
    builder.upright(start, end, 0, STREET_FLOOR_M, facade.street, BUILDING, (bays / BAYS, 1.0), **options)
    builder.upright(start, end, STREET_FLOOR_M, eaves, facade.storeys, BUILDING, (bays / BAYS, storeys / STOREYS), **options)


def _flank(builder, town: Town, facade, left, right, eaves: float, tint) -> None:
    bays = max(2, round(float(np.linalg.norm(right - left)) / town.bay_m))
    shade = tuple(0.94 * t for t in tint)
    repeat = (bays / BAYS, eaves / town.floor_m / STOREYS)
    builder.upright(left, right, 0, eaves, facade.storeys, BUILDING, repeat, tint=shade, reach=True)


def _cornice(builder, kit: Kit, corners, eaves: float, colour, tint) -> None:
    """A band above the eaves on the three sides that the street sees."""
    start, end, back_right, back_left = corners
    paint = tuple(0.0035 * c * t for c, t in zip(colour, tint))
    for left, right in ((start, end), (end, back_right), (back_left, start)):
        builder.upright(left, right, eaves, eaves + 0.55, kit.surfaces['paint'], BUILDING, tint=paint, reach=True)


def _roof(builder, kit: Kit, corners, eaves: float, inward, tint) -> None:
    """A slope that rises from the street side to the ridge, closed by gable ends."""
    start, end, back_right, back_left = (np.array([*corner, eaves + 0.55]) for corner in corners)
    rise = np.array([*(inward / 2), 4.2])
    width = float(np.linalg.norm(end - start))
    ring = np.array([(0, 0), (width / 4, 0), (width / 4, 2), (0, 2)])
    along = (end - start) / width * 4
    builder.add(start + rise, along, -rise / 2, kit.surfaces['tiles'], BUILDING, ring, tint=tint, reach=True)
    for left, right in ((end, back_right), (back_left, start)):
        top = np.array([*(0.5 * (left + right))[:2], eaves + 4.75])
        axis_v = np.array([0, 0, eaves + 0.55 - top[2]])
        ring = ((0, 1), (0.5, 0), (1, 1))
        builder.add(left - axis_v, right - left, axis_v, kit.surfaces["plain"], BUILDING, ring,
                    tint=tuple(0.62 * t for t in tint), reach=True)  # fmt: skip


def _awning(builder, kit: Kit, start, along, outward, width: float, rng) -> None:
    """A sloping cloth over a shop window."""
    size = min(3.6, width - 1.5)
    left = start + along * rng.uniform(0.4, width - size - 0.4)
    slope = np.array([*(outward * 1.3), -0.75])
    colour = tuple(rng.uniform(0.2, 0.85, 3))
    origin = np.array([*left, 3.35])
    builder.add(
        origin, np.array([*(along * size), 0.0]), slope, kit.surfaces["planks"], BUILDING,
        tint=tuple(1.6 * c for c in colour), reach=True, layer=-1.5, cull=0,
    )  # fmt: skip


def _shadow(shadows, kit: Kit, corners, eaves: float, shadow_xy) -> None:
    offset = np.asarray(shadow_xy) * eaves
    outline = np.array([*corners, *(corner + offset for corner in corners)], np.float32)
    shadows.ground(cv2.convexHull(outline)[:, 0].astype(float), kit.surfaces['plain'], 0, 1.0, 0.0, tint=(0.56, 0.6, 0.68))
