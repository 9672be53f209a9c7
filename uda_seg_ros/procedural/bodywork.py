"""Pictures of vehicles: painted sides with windows and wheels, fronts and rears with lamps, windscreens."""

from __future__ import annotations

import cv2
import numpy as np

from .classes import BUS, CAR, TRUCK
from .noise import painted
from .outlines import Outline

PX_PER_M = 64
GLASS = (52, 62, 74)
SHINE = (92, 108, 124)
TRIM = (34, 34, 36)


def side_picture(outline: Outline, paint, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour, coverage (0 or 1) and night glow of the right side, front to the right."""
    width, height = int((outline.length_m + 0.1) * PX_PER_M), int(outline.height_m * PX_PER_M)
    rear = outline.body[0][0] - 0.05

    def px(points) -> np.ndarray:
        return np.array([((x - rear) * PX_PER_M, (outline.height_m - z) * PX_PER_M) for x, z in points], np.int32)

    labels = np.zeros((height, width), np.uint8)
    base = [(outline.body[-1][0] - 0.08, outline.clearance_m), (outline.body[0][0] + 0.08, outline.clearance_m)]
    cv2.fillPoly(labels, [px([*outline.body, *base])], 1)
    shade = np.linspace(1.08, 0.72, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    shade[int(height * 0.62) : int(height * 0.65)] *= 0.86
    image, glow = painted(paint, shade), np.zeros((height, width), np.uint8)
    if outline.label == TRUCK:
        _cargo(image, px, rng)
    sill = px([(outline.body[0][0], outline.clearance_m + 0.12), (outline.body[-1][0], outline.clearance_m)])
    cv2.rectangle(image, *sill.tolist(), TRIM, -1)
    _side_windows(image, outline, paint, px)
    if outline.label == BUS:
        glow[int((outline.height_m - 2.5) * PX_PER_M) : int((outline.height_m - 1.35) * PX_PER_M)] = 130
    _lamps_on_side(image, glow, outline, px)
    _wheels(image, labels, outline, px)
    return image, labels, glow


def _cargo(image, px, rng: np.random.Generator) -> None:
    """The box of a lorry with a lettered panel, over a dark frame."""
    cv2.line(image, *px([(1.72, 3.3), (1.72, 0.6)]).tolist(), TRIM, 6)
    cv2.rectangle(image, *px([(-3.9, 0.95), (3.4, 0.4)]).tolist(), TRIM, -1)
    cv2.rectangle(image, *px([(-2.9, 2.6), (0.6, 1.8)]).tolist(), rng.uniform(40, 200, 3).tolist(), -1)


def _side_windows(image, outline: Outline, paint, px) -> None:
    """Panes with a slanting reflection, and on cars the seams and handles of the doors."""
    for x0, x1, z0, z1, front, back in outline.windows:
        pane = px([(x0, z0), (x0 + back, z1), (x1 - front, z1), (x1, z0)])
        band = [(x0 + share * (x1 - x0), z) for share, z in ((0.3, z0), (0.45, z1), (0.62, z1), (0.47, z0))]
        inside, shine = np.zeros(image.shape[:2], np.uint8), np.zeros(image.shape[:2], np.uint8)
        cv2.fillPoly(inside, [pane], 1)
        cv2.fillPoly(shine, [px(band)], 1)
        image[inside > 0] = GLASS
        image[(inside & shine) > 0] = SHINE
        if outline.label == CAR:
            cv2.line(image, *px([(x0 + 0.04, z0 - 0.06), (x0 + 0.04, 0.42)]).tolist(), [c * 0.6 for c in paint], 2)
            cv2.line(image, *px([(x0 + 0.12, z0 - 0.1), (x0 + 0.3, z0 - 0.1)]).tolist(), [c * 0.5 for c in paint], 3)


def _lamps_on_side(image, glow, outline: Outline, px) -> None:
    z = 0.72 if outline.label == CAR else 0.85
    tail = px([(outline.body[0][0], z + 0.16), (outline.body[0][0] + 0.14, z)])
    head = px([(outline.body[-1][0] - 0.3, z + 0.1), (outline.body[-1][0], z - 0.06)])
    for (low, high), colour in ((tail, (190, 24, 22)), (head, (236, 236, 220))):
        cv2.rectangle(image, low.tolist(), high.tolist(), colour, -1)
        cv2.rectangle(glow, low.tolist(), high.tolist(), 200, -1)


def _wheels(image, labels, outline: Outline, px) -> None:
    radius = outline.wheel_m
    for x in outline.wheels:
        centre = px([(x, radius)])[0].tolist()
        for share, colour in ((1.16, (16, 16, 18)), (1.0, (30, 30, 32)), (0.66, (150, 152, 156)), (0.5, (92, 94, 98))):
            size = int(radius * share * PX_PER_M)
            cv2.circle(image, centre, size, colour, -1, cv2.LINE_AA)
        cv2.circle(labels, centre, int(radius * PX_PER_M), 1, -1)
        cv2.circle(image, centre, 4, (180, 182, 186), -1)


def end_picture(outline: Outline, paint, front: bool) -> tuple[np.ndarray, np.ndarray]:
    """The front with grille and headlamps, or the rear with tail lamps; both with bumper and plate."""
    width, height = 128, 96
    image = painted(paint, np.linspace(1.0, 0.72, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32))
    glow = np.zeros((height, width), np.uint8)
    lamp = (246, 246, 232) if front else (196, 26, 24)
    top = 14 if outline.label == CAR else (58 if not front else 30)
    if not front and outline.label == BUS:
        cv2.rectangle(image, (16, 10), (112, 40), GLASS, -1)
    if not front and outline.label == TRUCK:
        cv2.line(image, (64, 0), (64, 76), TRIM, 2)
        cv2.rectangle(image, (8, 6), (120, 74), [c * 0.85 for c in paint], 2)
    size = (24, 18) if outline.label == CAR else (18, 9)
    for x in (6, 122 - size[0]):
        cv2.rectangle(image, (x, top), (x + size[0], top + size[1]), lamp, -1)
        cv2.rectangle(image, (x, top), (x + size[0], top + size[1]), (60, 60, 64), 1)
        cv2.rectangle(glow, (x, top), (x + size[0], top + size[1]), 255, -1)
    if front:
        cv2.rectangle(image, (36, top + 2), (92, top + 22), TRIM, -1)
        for y in range(top + 6, top + 22, 5):
            cv2.line(image, (38, y), (90, y), (120, 120, 124), 1)
    cv2.rectangle(image, (0, 74), (width, height), TRIM, -1)
    cv2.rectangle(image, (44, 56), (84, 68), (236, 236, 230), -1)
    for x in range(48, 80, 6):
        cv2.line(image, (x, 59), (x, 65), (30, 30, 40), 2)
    return image, glow


def windscreen() -> np.ndarray:
    """Dark glass that mirrors the sky along its upper edge."""
    image = painted(GLASS, np.linspace(1.0, 1.5, 64, dtype=np.float32)[:, None] * np.ones((1, 96), np.float32))
    cv2.fillPoly(image, [np.array([[18, 0], [36, 0], [22, 64], [4, 64]])], (104, 120, 138))
    cv2.rectangle(image, (0, 0), (95, 63), TRIM, 2)
    return image
