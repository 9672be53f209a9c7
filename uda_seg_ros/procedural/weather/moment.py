"""What an effect may depend on besides the scene and its severity."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Moment:
    """frame number and seed of the drive, and how dark it is (0 day, 1 night), which dims fog, rain and snow."""

    frame: int
    seed: int
    darkness: float = 0.0

    @property
    def brightness(self) -> float:
        """How bright lit air is, 1 by day."""
        return 1 - 0.86 * self.darkness

    def rng(self, name: str) -> np.random.Generator:
        """A generator of this effect's own for this frame."""
        return np.random.default_rng([self.seed, self.frame, zlib.crc32(name.encode())])
