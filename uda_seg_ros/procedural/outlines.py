"""The shapes of vehicles: side outlines in metres."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .classes import BUS, CAR, TRUCK


@dataclass(frozen=True)
class Outline:
    """The side view in metres: x along the vehicle (front is positive), z up.

    `body` runs from the rear bumper over the top to the front bumper. Corners above `belt_m` are `inset_m` narrower on
    each side. `kinds` names what each stretch between two corners is made of. `windows` are side windows (x0, x1, z0,
    z1, slant at the front, slant at the rear), `wheels` are x positions.
    """

    label: int
    width_m: float
    body: tuple[tuple[float, float], ...]
    kinds: tuple[str, ...]
    belt_m: float
    inset_m: float
    windows: tuple[tuple[float, ...], ...]
    wheels: tuple[float, ...]
    wheel_m: float = 0.33
    clearance_m: float = 0.24

    @property
    def length_m(self) -> float:
        """From bumper to bumper."""
        return self.body[-1][0] - self.body[0][0]

    @property
    def height_m(self) -> float:
        """To the roof."""
        return max(z for _, z in self.body)


SEDAN = Outline(
    CAR, 1.78,
    ((-2.25, 0.3), (-2.25, 0.92), (-1.6, 1.0), (-0.95, 1.44), (0.35, 1.44), (1.1, 0.98), (2.1, 0.8), (2.25, 0.3)),
    ("rear", "paint", "glass", "paint", "glass", "paint", "front"), 0.98, 0.17,
    ((-1.4, -0.28, 1.0, 1.37, 0.0, 0.55), (-0.2, 0.92, 1.0, 1.37, 0.58, 0.0)), (-1.38, 1.4),
)  # fmt: skip
HATCH = Outline(
    CAR, 1.74,
    ((-1.95, 0.3), (-1.98, 0.95), (-1.55, 1.5), (0.3, 1.52), (1.1, 1.02), (1.85, 0.82), (1.98, 0.3)),
    ("rear", "glass", "paint", "glass", "paint", "front"), 0.98, 0.15,
    ((-1.7, -0.35, 1.0, 1.43, 0.0, 0.28), (-0.27, 0.95, 1.0, 1.43, 0.62, 0.0)), (-1.25, 1.25),
)  # fmt: skip
SUV = replace(
    HATCH, width_m=1.9, belt_m=1.12, wheel_m=0.38, clearance_m=0.3, wheels=(-1.35, 1.4),
    body=((-2.2, 0.35), (-2.25, 1.1), (-1.95, 1.72), (0.35, 1.74), (1.1, 1.16), (2.1, 1.0), (2.25, 0.35)),
    windows=((-2.0, -0.4, 1.14, 1.64, 0.0, 0.2), (-0.32, 0.95, 1.14, 1.64, 0.62, 0.0)),
)  # fmt: skip
LORRY = Outline(
    TRUCK, 2.4,
    ((-3.9, 0.6), (-3.9, 3.3), (1.7, 3.3), (1.75, 2.6), (2.9, 2.55), (3.25, 1.5), (3.35, 0.45)),
    ("rear", "paint", "paint", "paint", "glass", "front"), 9.0, 0.0, ((2.0, 3.0, 1.5, 2.3, 0.25, 0.0),), (-2.5, -1.4, 2.3),
    0.48, 0.5,
)  # fmt: skip
COACH = Outline(
    BUS, 2.5,
    ((-5.6, 0.4), (-5.6, 2.9), (-5.3, 3.05), (5.3, 3.05), (5.6, 1.15), (5.62, 0.4)),
    ("rear", "paint", "paint", "glass", "front"), 9.0, 0.0,
    tuple((-5.2 + 1.72 * k, -3.62 + 1.72 * k, 1.35, 2.5, 0.0, 0.0) for k in range(6)), (-3.6, 3.6),
    0.5, 0.34,
)  # fmt: skip
