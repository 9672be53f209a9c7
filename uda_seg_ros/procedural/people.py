"""Pedestrians in several phases of a step, cyclists from behind and before, and parked bicycles."""

from __future__ import annotations

import cv2
import numpy as np

from .atlas import Atlas
from .classes import BICYCLE, MOTORCYCLE, PERSON, RIDER
from .sprite import EMPTY, Sprite, cut_out

PHASES = 6
HAIR = ((34, 26, 22), (88, 60, 38), (172, 136, 84), (120, 116, 112), (60, 40, 28))
SKIN = ((232, 190, 160), (198, 150, 116), (130, 92, 66), (242, 206, 178))


def add_pedestrians(atlas: Atlas, rng: np.random.Generator, count: int = 7) -> list[list[Sprite]]:
    """For each person the sprites of one step cycle."""
    people = []
    for _ in range(count):
        clothes = rng.uniform(25, 225, 3), rng.uniform(20, 110, 3), SKIN[rng.integers(len(SKIN))]
        hair, height, skirt = np.array(HAIR[rng.integers(len(HAIR))]), rng.uniform(1.58, 1.92), rng.random() < 0.3
        people.append([_person(atlas, clothes, hair, height, skirt, phase) for phase in range(PHASES)])
    return people


def _person(atlas: Atlas, clothes, hair, height_m: float, skirt: bool, phase: int) -> Sprite:
    top, bottom, skin = clothes
    image, labels = _canvas(224, 112)
    swing = np.sin(2 * np.pi * phase / PHASES)
    for side, shade in ((-1, 0.75), (1, 1.0)):
        foot = 56 + side * swing * 26
        knee = 56 + side * swing * 15 + 5
        lift = max(0.0, -side * np.cos(2 * np.pi * phase / PHASES)) * 10
        leg = [(56, 118), (knee, 164), (foot, 210 - lift)]
        _limb(image, labels, leg, bottom * shade, 17)
        _limb(image, labels, [(foot - 2, 213 - lift), (foot + 9, 214 - lift)], np.array([40, 34, 30]), 9)
        arm = [(56, 58), (56 - side * swing * 14 + 2, 88), (56 - side * swing * 24 + 8, 112)]
        if side < 0:
            _limb(image, labels, arm, top * 0.7, 12)
    body = np.array([[40, 46], [72, 46], [73, 92], [70 + 8 * skirt, 126 + 22 * skirt], [41 - 8 * skirt, 126 + 22 * skirt]])
    _shape(image, labels, body, top)
    _shape(image, labels, np.array([[40, 46], [50, 46], [50, 124], [41, 124]]), top * 0.8)
    _limb(image, labels, arm, top * 0.92, 12)
    _limb(image, labels, [arm[2], (arm[2][0] + 1, arm[2][1] + 5)], np.array(skin), 9)
    _limb(image, labels, [(57, 38), (57, 46)], np.array(skin) * 0.85, 12)
    _oval(image, labels, (57, 24), (14, 18), np.array(skin))
    _oval(image, labels, (55, 16), (15, 12), hair)
    return cut_out(atlas, image, np.where(labels > 0, PERSON, EMPTY).astype(np.uint8), height_m, detail_px=0.9)


def add_riders(atlas: Atlas, rng: np.random.Generator, count: int = 4) -> list[Sprite]:
    """Cyclists seen along their way: the person is rider, the machine bicycle."""
    riders = []
    for _ in range(count):
        image, labels = _canvas(224, 112)
        jacket, skin = rng.uniform(40, 240, 3), np.array(SKIN[rng.integers(len(SKIN))])
        machine = np.zeros_like(labels)
        cv2.ellipse(machine, (56, 170), (6, 48), 0, 0, 360, 255, -1)
        cv2.line(machine, (26, 106), (86, 106), 255, 6)
        image[machine > 0] = (34, 34, 38)
        cv2.ellipse(image, (56, 150), (8, 6), 0, 0, 360, (190, 30, 30), -1)
        for side, foot in ((-1, 186), (1, 168)):
            _limb(image, labels, [(56 + 9 * side, 118), (56 + 15 * side, 148), (56 + 13 * side, foot)], jacket * 0.35, 15)
        body = np.array([[34, 62], [78, 62], [74, 122], [38, 122]])
        _shape(image, labels, body, jacket)
        for side in (-1, 1):
            _limb(image, labels, [(56 + 20 * side, 66), (56 + 31 * side, 90), (56 + 29 * side, 106)], jacket * 0.85, 11)
        _oval(image, labels, (56, 40), (14, 18), skin)
        _oval(image, labels, (56, 32), (17, 13), rng.uniform(30, 235, 3))
        classes = np.where(labels > 0, RIDER, np.where(machine > 0, BICYCLE, EMPTY)).astype(np.uint8)
        riders.append(cut_out(atlas, image, classes, 1.85, detail_px=0.9))
    return riders


def add_two_wheelers(atlas: Atlas, rng: np.random.Generator) -> dict[str, list[Sprite]]:
    """Parked machines from the side."""
    bicycles = [_two_wheeler(atlas, rng, BICYCLE, 1.15) for _ in range(3)]
    return {'bicycle': bicycles, 'motorcycle': [_two_wheeler(atlas, rng, MOTORCYCLE, 1.25) for _ in range(2)]}


def _two_wheeler(atlas: Atlas, rng, label: int, height_m: float) -> Sprite:
    image, labels = _canvas(160, 256)
    paint = rng.uniform(30, 220, 3)
    heavy = label == MOTORCYCLE
    for x in (52, 204):
        cv2.circle(labels, (x, 112), 44 if not heavy else 40, 255, -1)
        cv2.circle(image, (x, 112), 44, (168, 166, 160), -1)
        cv2.circle(image, (x, 112), 39 if not heavy else 32, (30, 30, 32), 8 if not heavy else 18)
        cv2.circle(image, (x, 112), 8, (60, 60, 62), -1)
    frame = [(52, 112), (100, 58), (172, 58), (128, 112), (100, 58), (96, 40)]
    _limb(image, labels, frame, paint, 26 if heavy else 9)
    _limb(image, labels, [(204, 112), (172, 44), (188, 28)], np.array([70, 70, 74]), 10)
    _limb(image, labels, [(78, 36), (112, 36)], np.array([30, 28, 28]), 16 if heavy else 10)
    if heavy:
        _shape(image, labels, np.array([[96, 72], [170, 60], [176, 120], [100, 124]]), np.array([66, 66, 70]))
        _oval(image, labels, (142, 54), (34, 18), paint)
    return cut_out(atlas, image, np.where(labels > 0, label, EMPTY).astype(np.uint8), height_m, detail_px=0.9)


def _canvas(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)


def _limb(image, labels, points, colour, thickness: int) -> None:
    line = [np.rint(np.array(points)).astype(np.int32)]
    cv2.polylines(image, line, False, np.asarray(colour, float).tolist(), thickness)
    cv2.polylines(labels, line, False, 255, thickness)


def _shape(image, labels, corners: np.ndarray, colour) -> None:
    cv2.fillPoly(image, [corners.astype(np.int32)], np.asarray(colour, float).tolist())
    cv2.fillPoly(labels, [corners.astype(np.int32)], 255)


def _oval(image, labels, centre, axes, colour) -> None:
    cv2.ellipse(image, centre, axes, 0, 0, 360, np.asarray(colour, float).tolist(), -1)
    cv2.ellipse(labels, centre, axes, 0, 0, 360, 255, -1)
