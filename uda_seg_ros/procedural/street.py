"""Everything that stands still along one street of the route, laid out once and kept."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .crossroads import furnish_junction
from .faces import Faces
from .furniture import LAMP_ARM_M, LAMP_HEIGHT_M, across
from .ground import crossroads, street_ground, verge
from .kit import Kit
from .plot import Plot
from .route import Route, Stretch
from .shadows import disc
from .sky import sun_direction
from .town import Town
from .zones import fill_side


@dataclass(frozen=True)
class Street:
    """The finished street; lamps are (x, y, z) of the lanterns."""

    faces: Faces
    shadows: Faces
    lamps: np.ndarray


def lay_out(town: Town, kit: Kit, route: Route, stretch: Stretch, seed: int) -> Street:
    """Build one street and the junction at its end; depends on nothing but the arguments."""
    rng = np.random.default_rng([seed, 3, stretch.number])
    sun = sun_direction(town)
    plot = Plot(town, kit, route, stretch, rng, -sun[:2] / sun[2])
    street_ground(plot.faces, route, stretch, town, kit, rng.uniform(0.9, 1.08))
    crossroads(plot.faces, stretch, town, kit)
    for side in (1, -1):
        if rng.random() < 0.55:
            verge(plot.faces, route, stretch, town, kit, side)
        fill_side(plot, side)
        _furnish(plot, side)
        _park(plot, side)
    furnish_junction(plot)
    return Street(plot.faces.build(), plot.shadows.build(), np.array(plot.lamps).reshape(-1, 3))


def _furnish(plot: Plot, side: int) -> None:
    """Lamp posts, trees, signs and parked two-wheelers along the kerb."""
    rng, signs = plot.rng, plot.kit.furniture.signs
    kerb = side * (plot.town.road_half_m + 0.55)
    trees = rng.random() < 0.65
    for index, s in enumerate(np.arange(plot.stretch.start_m + 9, plot.stretch.junction_m - 8, 8.5)):
        heading = float(plot.route.heading(s))
        if index % 3 == (0 if side > 0 else 1):
            _lamp(plot, side, s, kerb, heading)
        elif trees and rng.random() < 0.75:
            plot.tree(plot.at(s, kerb + side * 0.2), 0.75)
        elif side < 0 and rng.random() < 0.6:
            across(signs[rng.integers(len(signs))], plot.faces, plot.at(s, kerb), heading, False)
        if rng.random() < 0.3:
            _two_wheeler(plot, plot.at(s + 3, kerb + side * rng.uniform(0.1, 0.5)), heading)


def _two_wheeler(plot: Plot, position, heading: float) -> None:
    choices = plot.kit.parked['bicycle' if plot.rng.random() < 0.7 else 'motorcycle']
    sprite = choices[plot.rng.integers(len(choices))]
    sprite.standing(plot.faces, *position, heading + plot.rng.uniform(-0.7, 0.7), lit=False)
    disc(plot.shadows, position, 0.5)


def _lamp(plot: Plot, side: int, s: float, kerb: float, heading: float) -> None:
    across(plot.kit.furniture.lamp, plot.faces, plot.at(s, kerb), heading, side > 0)
    plot.lamps.append((*plot.at(s, kerb - side * LAMP_ARM_M), LAMP_HEIGHT_M - 0.3))
    disc(plot.shadows, plot.at(s, kerb), 0.25)


def _park(plot: Plot, side: int) -> None:
    """Parked cars in clusters along the kerb."""
    rng, density = plot.rng, plot.rng.uniform(0.12, 0.6)
    s = plot.stretch.start_m + 12 + rng.uniform(0, 8)
    while s < plot.stretch.junction_m - 14:
        if rng.random() < density:
            kind = 'car' if rng.random() < 0.93 else 'truck'
            middle = s + (2.3 if kind == 'car' else 3.8)
            heading = float(plot.route.heading(middle)) + (math.pi if side > 0 else 0) + rng.normal(0, 0.02)
            s += plot.vehicle(kind, plot.at(middle, side * plot.town.parking_m), heading) + rng.uniform(0.9, 2.2)
        else:
            s += rng.uniform(6, 14)
