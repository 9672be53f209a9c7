"""Train ids of the Cityscapes classes that the street is built of."""

from __future__ import annotations

from ..labels import CITYSCAPES, IGNORE

(
    ROAD, SIDEWALK, BUILDING, WALL, FENCE, POLE, TRAFFIC_LIGHT, TRAFFIC_SIGN, VEGETATION, TERRAIN, SKY, PERSON, RIDER,
    CAR, TRUCK, BUS, TRAIN, MOTORCYCLE, BICYCLE,
) = range(CITYSCAPES.num_classes)  # fmt: skip

__all__ = [
    "BICYCLE", "BUILDING", "BUS", "CAR", "FENCE", "IGNORE", "MOTORCYCLE", "PERSON", "POLE", "RIDER", "ROAD",
    "SIDEWALK", "SKY", "TERRAIN", "TRAFFIC_LIGHT", "TRAFFIC_SIGN", "TRAIN", "TRUCK", "VEGETATION", "WALL",
]  # fmt: skip
