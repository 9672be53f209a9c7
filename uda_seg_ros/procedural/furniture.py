"""Things along the kerb: lamp posts, traffic lights, signs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .atlas import Atlas
from .classes import POLE, TRAFFIC_LIGHT
from .faces import FaceBuilder
from .posts import PX_PER_M, canvas, post
from .signs import DESIGNS, add_sign
from .sprite import Sprite, cut_out

LAMP_HEIGHT_M = 7.0
LAMP_ARM_M = 1.7


@dataclass(frozen=True)
class Furniture:
    """The pictures of street furniture; each is a flat figure across the way, its road side to the left."""

    lamp: Sprite
    lights: tuple[Sprite, ...]
    signs: tuple[Sprite, ...]
    stop: Sprite


def add_furniture(atlas: Atlas) -> Furniture:
    """Paint and register everything once."""
    signs = tuple(add_sign(atlas, design) for design in DESIGNS if design != 'stop')
    lights = tuple(_traffic_light(atlas, colour) for colour in range(3))
    return Furniture(_lamp_post(atlas), lights, signs, add_sign(atlas, 'stop'))


def across(sprite: Sprite, builder: FaceBuilder, position: np.ndarray, heading: float, left_side: bool) -> None:
    """Stand a figure across the way at `position`, reaching towards the road."""
    sprite.standing(builder, position[0], position[1], heading + (math.pi / 2 if left_side else -math.pi / 2), lit=False)


def _lamp_post(atlas: Atlas) -> Sprite:
    image, labels, glow = canvas(LAMP_HEIGHT_M, 2 * LAMP_ARM_M + 0.6)
    middle = image.shape[1] // 2
    arm = int(LAMP_ARM_M * PX_PER_M)
    post(image, labels, middle, 3, 40, (96, 100, 104))
    curve = np.array([[middle, 60], [middle - 10, 24], [middle - 30, 12], [middle - arm, 8]])
    cv2.polylines(labels, [curve], False, POLE, 5)
    cv2.polylines(image, [curve], False, (100, 104, 108), 5)
    cv2.ellipse(labels, (middle - arm, 10), (24, 6), 0, 0, 360, POLE, -1)
    cv2.ellipse(image, (middle - arm, 10), (24, 6), 0, 0, 360, (196, 196, 188), -1)
    cv2.ellipse(glow, (middle - arm, 11), (22, 5), 0, 0, 360, 255, -1)
    return cut_out(atlas, image, labels, LAMP_HEIGHT_M, glow)


def _traffic_light(atlas: Atlas, lit: int) -> Sprite:
    image, labels, glow = canvas(3.6, 1.0)
    middle = image.shape[1] // 2
    post(image, labels, middle, 3, 30)
    cv2.rectangle(labels, (middle - 11, 4), (middle + 11, 60), TRAFFIC_LIGHT, -1)
    cv2.rectangle(image, (middle - 11, 4), (middle + 11, 60), (28, 30, 30), -1)
    for row, colour in enumerate(((240, 50, 40), (244, 180, 40), (60, 220, 120))):
        centre = (middle, 14 + 18 * row)
        shown = colour if row == lit else tuple(c * 0.28 for c in colour)
        cv2.circle(image, centre, 7, shown, -1)
        if row == lit:
            cv2.circle(glow, centre, 7, 255, -1)
    return cut_out(atlas, image, labels, 3.6, glow)
