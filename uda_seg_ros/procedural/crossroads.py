"""What stands at a junction: side streets with their houses, traffic lights, signs, waiting cars."""

from __future__ import annotations

import math

import numpy as np

from .classes import ROAD, SIDEWALK
from .furniture import across
from .ground import CARRIAGEWAY, KERB, KERB_M, PAVEMENT, crossing
from .houses import DEPTH_M, house
from .plot import Plot

SIDE_STREET_M = 52.0


def furnish_junction(plot: Plot) -> None:
    """Add the arms that the route does not take, and the lights and signs at the corners."""
    stretch = plot.stretch
    taken = {math.pi, stretch.turn * math.pi / 2}
    for angle in (0.0, math.pi / 2, -math.pi / 2):
        if angle not in taken:
            _side_street(plot, stretch.heading + angle)
    _corners(plot, signals=stretch.number % 3 != 2)


def _side_street(plot: Plot, heading: float) -> None:
    forward = np.array([math.cos(heading), math.sin(heading)])
    left = np.array([-forward[1], forward[0]])
    centre = np.array(plot.stretch.centre)

    def at(s: float, lateral: float) -> np.ndarray:
        return centre + s * forward + lateral * left

    _pave(plot, at)
    crossing(plot.faces, at, plot.stretch.half_m + 0.8, plot.town, plot.kit)
    far = plot.stretch.half_m + SIDE_STREET_M
    for side in (1, -1):
        _line_with_houses(plot, at, side, far)
        _line_with_trees(plot, at, side, far, heading + (math.pi if side > 0 else 0))
    line = plot.town.building_line_m
    for lateral in np.arange(-line - 8, line + 8, 7.5):
        plot.tree(at(far + 4, lateral), 1.1)
    if plot.rng.random() < 0.6:
        plot.vehicle('car', at(plot.stretch.half_m + 7, plot.town.lanes[0]), heading + math.pi)


def _line_with_houses(plot: Plot, at, side: int, far_m: float) -> None:
    """Houses from behind the corner building to the end of the side street."""
    lateral = side * plot.town.building_line_m
    s = plot.town.building_line_m + DEPTH_M + 0.5
    while far_m - s > 8:
        width = min(plot.rng.uniform(9, 15), far_m - s)
        ends = (at(s, lateral), at(s + width, lateral))[::side]
        house(plot.faces, plot.shadows, plot.town, plot.kit, plot.rng, *ends, plot.shadow_xy)
        s += width + (plot.rng.uniform(3, 7) if plot.rng.random() < 0.3 else 0)


def _line_with_trees(plot: Plot, at, side: int, far_m: float, heading: float) -> None:
    for s in np.arange(plot.stretch.half_m + 8, far_m, 11):
        if plot.rng.random() < 0.5:
            plot.tree(at(s, side * (plot.town.road_half_m + 0.8)), 0.75)
        elif plot.rng.random() < 0.7:
            plot.vehicle('car', at(s, side * plot.town.parking_m), heading)


def _pave(plot: Plot, at) -> None:
    town, surfaces = plot.town, plot.kit.surfaces
    near, far = plot.stretch.half_m, plot.stretch.half_m + SIDE_STREET_M + 3
    half, line = town.road_half_m, town.building_line_m
    for width, texture, label, layer in (
        (line, 'pavement', SIDEWALK, PAVEMENT),
        (half + KERB_M, 'kerb', SIDEWALK, KERB),
        (half, 'asphalt', ROAD, CARRIAGEWAY),
    ):
        outline = np.array([at(near, width), at(far, width), at(far, -width), at(near, -width)])
        plot.faces.ground(outline, surfaces[texture], label, 8.0 if label == ROAD else 4.0, layer)


def _corners(plot: Plot, signals: bool) -> None:
    """Traffic lights or signs before the crossing on the right, and across it on both sides."""
    town, stretch, furniture = plot.town, plot.stretch, plot.kit.furniture
    kerb = town.road_half_m + 0.5
    forward = np.array([math.cos(stretch.heading), math.sin(stretch.heading)])
    left = np.array([-forward[1], forward[0]])
    centre = np.array(stretch.centre)
    for ahead, side in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        place = centre + ahead * (stretch.half_m + 0.4) * forward + side * kerb * left
        if signals:
            across(furniture.lights[2 if stretch.turn == 0 else 0], plot.faces, place, stretch.heading, side > 0)
        elif side < 0:
            across(furniture.stop if ahead < 0 else furniture.signs[3], plot.faces, place, stretch.heading, False)
