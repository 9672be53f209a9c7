"""A street while it is being built: what it is built into, with what, and what every builder needs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .faces import FaceBuilder
from .kit import Kit
from .route import Route, Stretch
from .shadows import disc, footprint
from .town import Town


@dataclass
class Plot:
    """What a street is being built into, and with what."""

    town: Town
    kit: Kit
    route: Route
    stretch: Stretch
    rng: np.random.Generator
    shadow_xy: np.ndarray
    faces: FaceBuilder = field(default_factory=FaceBuilder)
    shadows: FaceBuilder = field(default_factory=FaceBuilder)
    lamps: list[tuple[float, float, float]] = field(default_factory=list)

    def at(self, s_m, lateral_m: float) -> np.ndarray:
        """World (x, y) at a place along the route."""
        return self.route.at(s_m, lateral_m)

    def tree(self, position, scale: float = 1.0) -> None:
        """A tree with its shadow."""
        trees = self.kit.trees
        sprite = trees[self.rng.integers(len(trees))]
        size = scale * self.rng.uniform(0.8, 1.2)
        tone = self.rng.uniform(0.85, 1.1)
        sprite.billboard(self.faces, *position, size, (tone, tone, tone * self.rng.uniform(0.85, 1.0)))
        disc(
            self.shadows, np.asarray(position) + self.shadow_xy * 0.6 * sprite.height_m * size, 0.3 * sprite.height_m * size
        )
        disc(self.shadows, np.asarray(position), 0.4)

    def bush(self, position) -> None:
        """A bush with its shadow."""
        sprite = self.kit.bushes[self.rng.integers(len(self.kit.bushes))]
        sprite.billboard(self.faces, *position, self.rng.uniform(0.8, 1.3))
        disc(self.shadows, np.asarray(position), 0.7)

    def vehicle(self, kind: str, position, heading: float) -> float:
        """A standing vehicle of a kind with its shadow; returns its length in metres."""
        choices = self.kit.vehicles[kind]
        vehicle = choices[self.rng.integers(len(choices))]
        self.faces.extend(vehicle.faces.placed(*position, heading))
        footprint(self.shadows, position, heading, vehicle.length_m, vehicle.width_m)
        return vehicle.length_m
