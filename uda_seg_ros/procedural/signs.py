"""Traffic signs: one painted plate a design."""

from __future__ import annotations

import math

import cv2
import numpy as np

from .atlas import Atlas
from .classes import TRAFFIC_SIGN
from .posts import canvas, post
from .sprite import Sprite, cut_out

PALE, RED, BLUE = (240, 240, 236), (204, 32, 36), (28, 84, 178)


def add_sign(atlas: Atlas, design: str) -> Sprite:
    """A plate of one of the DESIGNS on a post."""
    image, labels, _ = canvas(2.8, 1.0)
    middle = image.shape[1] // 2
    post(image, labels, middle, 2, 34)
    paint, options = DESIGNS[design]
    paint(image, labels, (middle, 22), **options)
    return cut_out(atlas, image, labels, 2.8)


def _octagon(image, labels, centre) -> None:
    angles = np.arange(8) * math.pi / 4 + math.pi / 8
    for radius, colour in ((21, PALE), (19, RED)):
        _plate(image, labels, np.column_stack([np.cos(angles), np.sin(angles)]) * radius + centre, colour)
    _write(image, 'STOP', (centre[0] - 15, 26), 0.38, PALE)


def _triangle(image, labels, centre, tip: int) -> None:
    for size, colour in ((21, RED), (13, PALE)):
        edge = centre[1] - tip * size * 0.8
        corners = [(centre[0] - size, edge), (centre[0] + size, edge), (centre[0], centre[1] + tip * size)]
        _plate(image, labels, corners, colour)


def _limit(image, labels, centre) -> None:
    cv2.circle(labels, centre, 19, TRAFFIC_SIGN, -1)
    cv2.circle(image, centre, 19, RED, -1)
    cv2.circle(image, centre, 14, PALE, -1)
    _write(image, '50', (centre[0] - 11, 28), 0.55, (24, 24, 24), 2)


def _arrow(image, labels, centre) -> None:
    cv2.circle(labels, centre, 19, TRAFFIC_SIGN, -1)
    cv2.circle(image, centre, 19, BLUE, -1)
    cv2.arrowedLine(image, (centre[0], 33), (centre[0], 10), PALE, 4, tipLength=0.45)


def _panel(image, labels, centre, text: str, half: tuple[int, int], scale: float) -> None:
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half + centre
    _plate(image, labels, corners, BLUE)
    thick = 2 if len(text) == 1 else 1
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
    _write(image, text, (centre[0] - width // 2, centre[1] + height // 2), scale, PALE, thick)


def _write(image, text: str, place, scale: float, colour, thick: int = 1) -> None:
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thick, cv2.LINE_AA)


DESIGNS = {
    'limit': (_limit, {}),
    'yield': (_triangle, {'tip': 1}),
    'parking': (_panel, {'text': 'P', 'half': (16, 16), 'scale': 0.9}),
    'arrow': (_arrow, {}),
    'warning': (_triangle, {'tip': -1}),
    'place': (_panel, {'text': 'ZOO', 'half': (22, 13), 'scale': 0.45}),
    'stop': (_octagon, {}),
}


def _plate(image, labels, corners, colour) -> None:
    ring = [np.rint(np.asarray(corners)).astype(np.int32)]
    cv2.fillPoly(image, ring, colour)
    cv2.fillPoly(labels, ring, TRAFFIC_SIGN)
