"""The way the camera takes: straight streets, gentle bends and right-angled turns, without end and without crossing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

STEP_M = 0.5
BEHIND_M = 40.0


@dataclass(frozen=True)
class Stretch:
    """One street from the last junction through the next one.

    `start_m` and `junction_m` are positions along the route; the junction is a square of side 2 `half_m` that begins
    at `junction_m`. `turn` is +1 left, -1 right, 0 straight on. `centre` and `heading` belong to the junction.
    """

    number: int
    start_m: float
    junction_m: float
    half_m: float
    turn: int
    centre: tuple[float, float]
    heading: float

    @property
    def end_m(self) -> float:
        """Where the next street begins."""
        return self.junction_m + self.half_m * (2 if self.turn == 0 else math.pi / 2)


class Route:
    """A centre line that grows as far as it is asked for; the same seed gives the same line however it is asked."""

    def __init__(self, seed: int, half_m: float, length_m: tuple[float, float]) -> None:
        self._rng = np.random.default_rng([seed, 1])
        self._half_m, self._length_m = half_m, length_m
        self._grid_heading = 0
        self._count = 1
        self._columns = np.zeros((3, 1 << 12))
        self.stretches: list[Stretch] = []
        self._advance(BEHIND_M, 0.0)

    @property
    def length_m(self) -> float:
        """How far the line reaches now, measured from the first frame's position."""
        return (self._count - 1) * STEP_M - BEHIND_M

    def at(self, s_m, lateral_m=0.0) -> np.ndarray:
        """World (x, y) of positions along the route, `lateral_m` to the left of the centre line; ...x2."""
        x, y, heading = self._interpolate(np.asarray(s_m, float))
        return np.stack([x - lateral_m * np.sin(heading), y + lateral_m * np.cos(heading)], axis=-1)

    def heading(self, s_m):
        """Direction of travel in radians."""
        return self._interpolate(np.asarray(s_m, float))[2]

    def between(self, start_m: float, stop_m: float) -> list[Stretch]:
        """The streets that touch this part of the route."""
        self._require(stop_m)
        return [part for part in self.stretches if part.end_m > start_m and part.start_m < stop_m]

    def _interpolate(self, s_m: np.ndarray) -> np.ndarray:
        self._require(float(s_m.max()))
        place = np.clip((s_m + BEHIND_M) / STEP_M, 0, self._count - 1.001)
        low = place.astype(np.intp)
        share = place - low
        return self._columns[:, low] * (1 - share) + self._columns[:, low + 1] * share

    def _require(self, s_m: float) -> None:
        while self.length_m < s_m + 1:
            self._add_stretch()

    def _add_stretch(self) -> None:
        start = self.length_m
        straight = self._rng.uniform(*self._length_m)
        bend = self._rng.uniform(0.15, 0.4) * self._rng.choice((-1, 1)) if self._rng.random() < 0.5 else 0.0
        self._advance(0.3 * straight, 0.0)
        self._advance(0.2 * straight, bend)
        self._advance(0.2 * straight, -bend)
        self._advance(0.3 * straight, 0.0)
        junction = self.length_m
        turn = self._choose_turn()
        x, y, heading = self._columns[:, self._count - 1]
        centre = (x + self._half_m * math.cos(heading), y + self._half_m * math.sin(heading))
        stretch = Stretch(len(self.stretches), start, junction, self._half_m, turn, centre, heading)
        self._advance(stretch.end_m - junction, turn * math.pi / 2)
        self.stretches.append(stretch)

    def _choose_turn(self) -> int:
        """Turns alternate about the first direction, so the line can never meet itself."""
        if self._rng.random() < 0.45:
            return 0
        turn = -self._grid_heading if self._grid_heading else int(self._rng.choice((-1, 1)))
        self._grid_heading += turn
        return turn

    def _advance(self, length_m: float, angle: float) -> None:
        """Append an arc that turns by `angle` over the length, rounded to whole steps."""
        steps = max(1, round(length_m / STEP_M))
        while self._count + steps >= self._columns.shape[1]:
            self._columns = np.concatenate([self._columns, np.zeros_like(self._columns)], axis=1)
        x, y, heading = self._columns[:, self._count - 1]
        headings = heading + angle * np.arange(1, steps + 1) / steps
        middle = headings - angle / steps / 2
        new = slice(self._count, self._count + steps)
        self._columns[0, new] = x + STEP_M * np.cumsum(np.cos(middle))
        self._columns[1, new] = y + STEP_M * np.cumsum(np.sin(middle))
        self._columns[2, new] = headings
        self._count += steps
