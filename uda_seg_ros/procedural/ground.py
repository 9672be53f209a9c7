"""What lies flat: grass, pavements with kerbs, carriageways, lane markings and crossings, drawn in that order."""

from __future__ import annotations

import math

import numpy as np

from .classes import ROAD, SIDEWALK, TERRAIN
from .faces import FaceBuilder
from .kit import Kit
from .route import Route, Stretch
from .town import Town

GRASS, PAVEMENT, KERB, CARRIAGEWAY, MARKING = 9000.0, 8000.0, 7500.0, 7000.0, 6000.0
KERB_M = 0.22


def strip(route: Route, start_m: float, stop_m: float, left_m: float, right_m: float) -> np.ndarray:
    """Outline of the band between two distances from the centre line, Nx2 world metres."""
    s = np.linspace(start_m, stop_m, max(2, int((stop_m - start_m) / 2.5) + 1))
    return np.vstack([route.at(s, left_m), route.at(s, right_m)[::-1]])


def street_ground(builder: FaceBuilder, route: Route, stretch: Stretch, town: Town, kit: Kit, tint: float) -> None:
    """Pavements, carriageway and markings of a street up to its junction."""
    start, stop = stretch.start_m, stretch.junction_m
    half, line = town.road_half_m, town.building_line_m
    shade = (tint, tint, tint)
    surfaces = kit.surfaces
    for side in (1, -1):
        band = strip(route, start, stop, side * line, side * half)
        builder.ground(band, surfaces['pavement'], SIDEWALK, 4.0, PAVEMENT)
        edge = strip(route, start, stop, side * (half + KERB_M), side * half)
        builder.ground(edge, surfaces['kerb'], SIDEWALK, 4.0, KERB)
        gutter = strip(route, start, stop, side * half, side * (half - 0.35))
        builder.ground(gutter, surfaces['asphalt'], ROAD, 8.0, MARKING, tint=(0.74 * tint,) * 3)
    builder.ground(strip(route, start, stop, half, -half), surfaces['asphalt'], ROAD, 8.0, CARRIAGEWAY, tint=shade)
    _lines(builder, route, stretch, town, kit)
    for at_m in (start + 1.2, stop - 4.4):
        crossing(builder, lambda s, lateral: route.at(s, lateral), at_m, town, kit)


def verge(builder: FaceBuilder, route: Route, stretch: Stretch, town: Town, kit: Kit, side: int) -> None:
    """A strip of grass between kerb and pavement, with gaps to step across."""
    for start in np.arange(stretch.start_m + 8, stretch.junction_m - 17, 12.0):
        inner, outer = side * (town.road_half_m + KERB_M), side * (town.road_half_m + 1.7)
        builder.ground(strip(route, start, start + 10.2, outer, inner), kit.surfaces['grass'], TERRAIN, 8.0, KERB - 1)


def _lines(builder: FaceBuilder, route: Route, stretch: Stretch, town: Town, kit: Kit) -> None:
    start, stop = stretch.start_m + 5.5, stretch.junction_m - 6.0
    colour = tuple(c / 240 for c in town.centre_line)
    wide = len(town.lanes) > 1
    for offset in (0.16, -0.16) if wide else (0.0,):
        _line(builder, route, kit, start, stop, offset, dashed=not wide, tint=colour)
    for side in (1, -1):
        for inner, outer in zip(town.lanes, town.lanes[1:]):
            _line(builder, route, kit, start, stop, side * (inner + outer) / 2, dashed=True)
        _line(builder, route, kit, start, stop, side * (town.parking_m - 1.1), dashed=False, width_m=0.1)
    halves = {1: (stretch.start_m + 4.6, 0.0, town.parking_m - 1.1), -1: (stop + 0.6, 0.0, town.parking_m - 1.1)}
    for side, (at_m, low, high) in halves.items():
        builder.ground(
            strip(route, at_m, at_m + 0.4, side * high, side * low), kit.surfaces['paint'], ROAD, 4.0, MARKING - 1
        )


def _line(builder, route: Route, kit: Kit, start, stop, lateral, dashed, tint=(0.95, 0.95, 0.94), width_m=0.15) -> None:
    pieces = [(s, min(s + 3.0, stop)) for s in np.arange(start, stop, 8.0)] if dashed else [(start, stop)]
    for low, high in pieces:
        outline = strip(route, low, high, lateral + width_m / 2, lateral - width_m / 2)
        builder.ground(outline, kit.surfaces['paint'], ROAD, 4.0, MARKING - 1, tint=tint)


def crossing(builder: FaceBuilder, at, at_m: float, town: Town, kit: Kit) -> None:
    """Zebra stripes across the street at `at_m`; `at(s, lateral)` gives world positions."""
    for lateral in np.arange(-town.road_half_m + 0.7, town.road_half_m - 0.6, 1.1):
        corners = [at(at_m, lateral), at(at_m + 3.0, lateral), at(at_m + 3.0, lateral + 0.55), at(at_m, lateral + 0.55)]
        builder.ground(np.array(corners), kit.surfaces['paint'], ROAD, 4.0, MARKING - 1, tint=(0.96, 0.96, 0.95))


def crossroads(builder: FaceBuilder, stretch: Stretch, town: Town, kit: Kit) -> None:
    """The square of a junction: pavement corners, and a carriageway with rounded kerbs."""
    half, road = stretch.half_m, town.road_half_m
    square = np.array([(-half, -half), (half, -half), (half, half), (-half, half)], float)
    builder.ground(_turned(square * 1.01, stretch), kit.surfaces['pavement'], SIDEWALK, 4.0, PAVEMENT)
    for grow, texture, label, layer in ((KERB_M, 'kerb', SIDEWALK, KERB), (0.0, 'asphalt', ROAD, CARRIAGEWAY)):
        outline = _turned(_plus(half * 1.01, road + grow), stretch)
        builder.ground(outline, kit.surfaces[texture], label, 8.0, layer)


def _plus(half: float, road: float) -> np.ndarray:
    """A cross whose inner corners are rounded."""
    radius = half - road
    points = []
    for quarter in range(4):
        turn = quarter * math.pi / 2
        for angle in np.linspace(0, math.pi / 2, 7):
            x, y = half - radius * math.sin(angle), half - radius * math.cos(angle)
            points.append((x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)))
    return np.array(points)


def _turned(points: np.ndarray, stretch: Stretch) -> np.ndarray:
    c, s = math.cos(stretch.heading), math.sin(stretch.heading)
    return points @ np.array([[c, s], [-s, c]]) + stretch.centre


def add_plain(builder: FaceBuilder, kit: Kit, around: np.ndarray, reach_m: float) -> None:
    """Grass under everything, as far as the ring of hills."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * reach_m + around
    builder.ground(corners, kit.surfaces['grass'], TERRAIN, 8.0, GRASS)
