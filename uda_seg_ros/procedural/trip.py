"""How the camera moves along its route: speed that drops in turns, a lane it keeps, a car body that sways."""

from __future__ import annotations

import math

import numpy as np

from .camera import Pose
from .route import Route
from .town import Town

STEP_M = 1.0
BRAKING_M = 14.0


class Trip:
    """Time, position and pose of the camera, for any time from zero on."""

    def __init__(self, route: Route, town: Town, seed: int) -> None:
        self._route, self._town = route, town
        self._seed = seed
        self._s, self._t = [0.0], [0.0]
        self._paces: dict[int, float] = {}

    def position(self, time_s: float) -> float:
        """Metres along the route."""
        while self._t[-1] < time_s:
            self._advance(self._s[-1] + 50)
        return float(np.interp(time_s, self._t, self._s))

    def time_at(self, s_m: float) -> float:
        """When the camera is at a place along the route; 0 for places behind the start."""
        self._advance(s_m)
        return float(np.interp(s_m, self._s, self._t))

    def pose(self, time_s: float) -> Pose:
        """Eye position and direction, with a little sway."""
        s = self.position(time_s)
        lateral = -self._town.camera_lane + 0.12 * math.sin(0.31 * time_s)
        x, y = self._route.at(s, lateral)
        pitch = math.radians(self._town.camera_pitch_deg)
        pitch += 0.0022 * math.sin(7.1 * time_s) + 0.0015 * math.sin(11.3 * time_s + 1)
        heading = 0.5 * float(self._route.heading(s) + self._route.heading(s + 3)) + 0.004 * math.sin(0.7 * time_s)
        height = self._town.camera_height_m + 0.008 * math.sin(8.3 * time_s)
        return Pose(np.array([x, y, height]), heading, pitch)

    def _advance(self, s_m: float) -> None:
        while self._s[-1] < s_m:
            s = self._s[-1] + STEP_M
            self._s.append(s)
            self._t.append(self._t[-1] + STEP_M / self._speed(s))

    def _speed(self, s_m: float) -> float:
        """Slower near a turn, and each street at its own pace."""
        slow = 1.0
        for stretch in self._route.between(s_m - BRAKING_M, s_m + BRAKING_M):
            if stretch.turn:
                away = max(stretch.junction_m - s_m, s_m - stretch.end_m, 0.0)
                slow = min(slow, 0.5 + 0.5 * min(away / BRAKING_M, 1.0))
        here = self._route.between(s_m, s_m + 0.1)[0].number
        if here not in self._paces:
            self._paces[here] = 0.85 + 0.25 * np.random.default_rng([self._seed, 6, here]).random()
        return self._town.speed_mps * slow * self._paces[here]
