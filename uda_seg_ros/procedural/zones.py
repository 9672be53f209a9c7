"""What lies behind the pavements: rows of houses, houses in gardens, parks, walled yards."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .fences import fence
from .houses import house
from .plot import Plot


def fill_side(plot: Plot, side: int) -> None:
    """Zones of houses, parks and yards behind the pavement."""
    s, stop = plot.stretch.start_m + 0.4, plot.stretch.junction_m - 0.2
    first = True
    while stop - s > 7:
        zone = ZONES[plot.rng.integers(len(ZONES))]
        length = min(plot.rng.uniform(20, 46), stop - s)
        if stop - s - length < 12:
            length = stop - s
        if (first or s + length > stop - 1) and plot.rng.random() > 0.55:
            zone = _row
        zone(plot, side, s, s + length)
        s, first = s + length, False


def _house(plot: Plot, side: int, start_m: float, stop_m: float, setback_m: float = 0.0) -> None:
    lateral = side * (plot.town.building_line_m + setback_m)
    low, high = plot.at(start_m, lateral), plot.at(stop_m, lateral)
    ends = (low, high) if side > 0 else (high, low)
    house(plot.faces, plot.shadows, plot.town, plot.kit, plot.rng, *ends, plot.shadow_xy)


def _row(plot: Plot, side: int, start_m: float, stop_m: float) -> None:
    """Houses wall to wall."""
    count = max(1, round((stop_m - start_m) / plot.rng.uniform(9, 15)))
    cuts = np.linspace(start_m, stop_m, count + 1)
    for low, high in pairwise(cuts):
        _house(plot, side, low, high)


def _gaps(plot: Plot, side: int, start_m: float, stop_m: float) -> None:
    """Detached houses behind front gardens."""
    line = plot.town.building_line_m
    kind = ('hedge', 'planks', 'stone', 'rails')[plot.rng.integers(4)]
    _boundary(plot, side, start_m, stop_m, line + 0.1, kind)
    s = start_m + 2.5
    while stop_m - s > 10:
        width = plot.rng.uniform(8, 12)
        _house(plot, side, s, min(s + width, stop_m - 1), 3.5)
        s += width + plot.rng.uniform(4, 8)
        plot.tree(plot.at(s - 3, side * (line + plot.rng.uniform(2.5, 6))), 0.8)
        plot.bush(plot.at(s - 5, side * (line + 1.8)))


def _park_zone(plot: Plot, side: int, start_m: float, stop_m: float) -> None:
    """Grass with trees and bushes, open or behind railings."""
    line = plot.town.building_line_m
    if plot.rng.random() < 0.6:
        _boundary(plot, side, start_m, stop_m, line + 0.1, ('rails', 'stone')[plot.rng.integers(2)])
    for s in np.arange(start_m + 2, stop_m - 1, 4.5):
        plot.tree(plot.at(s + plot.rng.uniform(-1, 1), side * (line + plot.rng.uniform(3, 22))), 1.05)
        if plot.rng.random() < 0.6:
            plot.bush(plot.at(s, side * (line + plot.rng.uniform(1.5, 9))))


def _yard(plot: Plot, side: int, start_m: float, stop_m: float) -> None:
    """A long wall or fence with trees looking over it."""
    line = plot.town.building_line_m
    kind = ('stone', 'planks')[plot.rng.integers(2)]
    _boundary(plot, side, start_m, stop_m, line, kind)
    for s in np.arange(start_m + 3, stop_m - 2, 8):
        plot.tree(plot.at(s, side * (line + plot.rng.uniform(2, 7))))


def _boundary(plot: Plot, side: int, start_m: float, stop_m: float, lateral_m: float, kind: str) -> None:
    cuts = np.arange(start_m, stop_m, 6.0)
    for low in cuts:
        ends = plot.at(low, side * lateral_m), plot.at(min(low + 6.0, stop_m), side * lateral_m)
        fence(plot.faces, *(ends if side > 0 else ends[::-1]), kind, plot.kit.surfaces)


ZONES = (_row, _row, _gaps, _gaps, _park_zone, _yard)
