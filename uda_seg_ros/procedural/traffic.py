"""What moves by itself: oncoming and leading vehicles, cyclists, people on the pavement, as functions of time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .faces import FaceBuilder
from .kit import Kit
from .people import PHASES
from .route import Route, Stretch
from .shadows import disc, footprint
from .town import Town

VIEW_M = 135.0
BEHIND_M = 12.0
STEP_LENGTH_M = 1.5


@dataclass(frozen=True)
class Mover:
    """Someone who at `time_s` is at `s_m` along the route, `lateral_m` to the left, moving at `speed_mps`."""

    kind: str
    number: int
    time_s: float
    s_m: float
    lateral_m: float
    speed_mps: float

    def where(self, time_s: float) -> float:
        """Position along the route at another time."""
        return self.s_m + self.speed_mps * (time_s - self.time_s)


def spawn(town: Town, stretch: Stretch, time_s: float, seed: int) -> list[Mover]:
    """Those who are met in one street, which the camera enters at `time_s`."""
    rng = np.random.default_rng([seed, 4, stretch.number])
    movers = []
    for lane in town.lanes:
        s = stretch.start_m + rng.uniform(0, 25)
        while s < stretch.end_m:
            kind = rng.choice(['car', 'car', 'car', 'car', 'car', 'car', 'truck', 'bus'])
            movers.append(Mover(str(kind), int(rng.integers(99)), time_s, s, lane, -town.speed_mps))
            s += rng.uniform(16, 48)
    for lane in town.lanes[1:]:
        s = stretch.start_m + rng.uniform(10, 45)
        movers.append(Mover('car', int(rng.integers(99)), time_s, s, -lane, 0.75 * town.speed_mps))
    for _ in range(rng.integers(1, 3)):
        lateral = -(town.parking_m - 1.5)
        movers.append(
            Mover('rider', int(rng.integers(99)), time_s, rng.uniform(stretch.start_m, stretch.end_m), lateral, 4.2)
        )
    _pedestrians(movers, rng, town, stretch, time_s)
    return movers


def _pedestrians(movers: list[Mover], rng, town: Town, stretch: Stretch, time_s: float) -> None:
    for _ in range(rng.integers(11, 22)):
        s, side = rng.uniform(stretch.start_m, stretch.end_m), rng.choice((-1, 1))
        lateral = side * rng.uniform(town.road_half_m + 0.9, town.building_line_m - 0.5)
        speed = rng.choice((-1, 1)) * rng.uniform(0.9, 1.6)
        for companion in range(2 if rng.random() < 0.3 else 1):
            movers.append(
                Mover('person', int(rng.integers(99)), time_s, s + 0.2 * companion, lateral + 0.6 * companion, speed)
            )


class Traffic:
    """All movers of a drive; `progress` maps the camera's position to the time it is there."""

    def __init__(self, town: Town, kit: Kit, route: Route, seed: int, progress) -> None:
        self._town, self._kit, self._route, self._seed, self._progress = town, kit, route, seed, progress
        self._spawned: dict[int, list[Mover]] = {}

    def add(self, faces: FaceBuilder, shadows: FaceBuilder, time_s: float, camera_m: float) -> None:
        """Add whoever is near the camera at this time."""
        for stretch in self._route.between(camera_m - VIEW_M, camera_m + 3 * VIEW_M):
            if stretch.number not in self._spawned:
                time = self._progress(stretch.start_m)
                self._spawned[stretch.number] = spawn(self._town, stretch, time, self._seed)
            for mover in self._spawned[stretch.number]:
                s = mover.where(time_s)
                if camera_m - BEHIND_M < s < camera_m + VIEW_M:
                    self._place(faces, shadows, mover.kind, mover.number, s, mover.lateral_m, mover.speed_mps, time_s)
        self._lead(faces, shadows, time_s, camera_m)

    def _lead(self, faces: FaceBuilder, shadows: FaceBuilder, time_s: float, camera_m: float) -> None:
        """A vehicle in the camera's own lane, which comes near, falls away out of sight and is another next time."""
        phase = time_s / 19 + 0.37 * (self._seed % 7)
        gap = 16 + 110 * (0.5 - 0.5 * math.cos(math.tau * phase))
        cycle = math.floor(phase + 0.5)
        kind = ('car', 'bus', 'car', 'truck', 'car')[(cycle + self._seed) % 5]
        if gap < VIEW_M - 20:
            lane = -self._town.camera_lane
            self._place(faces, shadows, kind, cycle * 5, camera_m + gap, lane, self._town.speed_mps, time_s)

    def _place(self, faces, shadows, kind: str, number: int, s: float, lateral: float, speed: float, time_s: float) -> None:
        position, heading = self._route.at(s, lateral), float(self._route.heading(s))
        if kind in self._kit.vehicles:
            choices = self._kit.vehicles[kind]
            vehicle = choices[number % len(choices)]
            heading += math.pi if speed < 0 else 0.0
            faces.extend(vehicle.faces.placed(*position, heading))
            footprint(shadows, position, heading, vehicle.length_m, vehicle.width_m)
        elif kind == 'rider':
            self._kit.riders[number % len(self._kit.riders)].billboard(faces, *position)
            disc(shadows, position, 0.45)
        else:
            cycle = self._kit.pedestrians[number % len(self._kit.pedestrians)]
            step = int((time_s * abs(speed) / STEP_LENGTH_M + number / 7) * PHASES) % PHASES
            cycle[step].billboard(faces, *position)
            disc(shadows, position, 0.35)
