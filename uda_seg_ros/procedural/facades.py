"""House fronts: repeatable storeys of windows, and ground floors with shops and doors."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .atlas import Atlas
from .noise import painted, speckle, value_noise
from .town import Town

BAYS = 4
STOREYS = 3
BAY_PX = 112
STOREY_PX = 128
GLASS = (74, 92, 112)


@dataclass(frozen=True)
class Facade:
    """Texture numbers: `storeys` repeats every BAYS x STOREYS, `street` is one ground floor of BAYS bays."""

    storeys: int
    street: int
    colour: tuple[float, float, float]


def add_facades(atlas: Atlas, town: Town, rng: np.random.Generator) -> list[Facade]:
    """One facade for each wall colour of the town."""
    facades = []
    for index, colour in enumerate(town.walls):
        storeys = atlas.add(*_storeys(rng, town.facade, colour, index))
        street = atlas.add(*_street_floor(rng, colour, shops=index % 3 != 2))
        facades.append(Facade(storeys, street, colour))
    return facades


def _plaster(rng: np.random.Generator, height: int, width: int, colour, brick: bool) -> np.ndarray:
    shade = (0.86 + 0.16 * value_noise(rng, height, width, 8))[..., None] * speckle(rng, height, width, 0.025)
    if brick:
        shade[::8] *= 0.84
        for row in range(0, height, 8):
            shade[row : row + 8, (row // 8 % 2) * 9 :: 18] *= 0.86
    return painted(colour, shade)


def _storeys(rng: np.random.Generator, kind: str, colour, index: int) -> tuple[np.ndarray, np.ndarray]:
    """BAYS x STOREYS windows and their glow by night."""
    height, width = STOREYS * STOREY_PX, BAYS * BAY_PX
    image = _plaster(rng, height, width, colour, brick=kind == 'sash' and index % 2 == 0)
    glow = np.zeros((height, width), np.uint8)
    for row in range(STOREYS):
        top = row * STOREY_PX
        cv2.rectangle(image, (0, top + STOREY_PX - 6), (width, top + STOREY_PX - 3), _times(colour, 0.78), -1)
        for bay in range(BAYS):
            _window(image, glow, rng, bay * BAY_PX, top, kind, colour, index)
    return image, glow


def _window(image, glow, rng, left: int, top: int, kind: str, colour, index: int) -> None:
    """A window with frame, sill, reflection, sometimes a curtain, sometimes lit."""
    if kind == 'ribbon':
        x0, x1, y0, y1 = left + (3 if index % 2 else 14), left + BAY_PX - (3 if index % 2 else 14), top + 22, top + 100
    else:
        inset = 30 if index % 2 else 26
        x0, x1, y0, y1 = left + inset, left + BAY_PX - inset, top + 20, top + 100
    frame = (236, 234, 228) if kind == 'sash' else _times(colour, 0.55)
    cv2.rectangle(image, (x0 - 6, y0 - 6), (x1 + 6, y1 + 5), _times(colour, 0.72), -1)
    cv2.rectangle(image, (x0 - 3, y0 - 3), (x1 + 3, y1 + 3), frame, -1)
    pane = _glass(rng, y1 - y0, x1 - x0)
    if rng.random() < 0.45:
        drop = int((y1 - y0) * rng.uniform(0.2, 0.8))
        pane[:drop] = 0.45 * pane[:drop] + 0.55 * np.array(rng.uniform(150, 225, 3))
    image[y0:y1, x0:x1] = pane
    cv2.line(image, ((x0 + x1) // 2, y0), ((x0 + x1) // 2, y1), frame, 3)
    if kind == 'sash':
        cv2.line(image, (x0, (2 * y0 + y1) // 3), (x1, (2 * y0 + y1) // 3), frame, 3)
        cv2.rectangle(image, (x0 - 9, y1 + 4), (x1 + 9, y1 + 9), _times(frame, 0.92), -1)
    cv2.rectangle(image, (x0 - 6, y1 + 10), (x1 + 6, y1 + 14), _times(colour, 0.62), -1)
    if rng.random() < 0.38:
        glow[y0:y1, x0:x1] = rng.integers(120, 230)


def _glass(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Dark glass that mirrors a bright sky towards its top, float HxWx3."""
    ramp = np.linspace(1.35, 0.6, height, dtype=np.float32)[:, None, None]
    slant = np.add.outer(np.arange(height), np.arange(width)) % 61 < 16
    return np.array(GLASS, np.float32) * ramp * rng.uniform(0.75, 1.25) * (1 + 0.22 * slant[..., None])


def _street_floor(rng: np.random.Generator, colour, shops: bool) -> tuple[np.ndarray, np.ndarray]:
    """Shop windows under a sign board, or windows and a front door above a plinth."""
    height, width = int(STOREY_PX * 1.2), BAYS * BAY_PX
    image = _plaster(rng, height, width, _times(colour, 0.82 if shops else 0.95), brick=False)
    glow = np.zeros((height, width), np.uint8)
    for bay in range(BAYS):
        left = bay * BAY_PX
        if bay == 1:
            _door(image, rng, left + 34, 42 if not shops else 40, height)
        elif shops:
            _shop_window(image, glow, rng, left, height)
        else:
            _window(image, glow, rng, left, 14, 'sash', colour, 1)
    if shops:
        board = rng.uniform(40, 210, 3).tolist()
        cv2.rectangle(image, (0, 8), (width, 34), board, -1)
        for x in range(30, width - 30, 14):
            if rng.random() < 0.7 and x % 224 > 60:
                cv2.line(image, (x, 15), (x + int(rng.integers(-3, 7)), 27), (240, 236, 220), 4)
        glow[10:32] = 70
    cv2.rectangle(image, (0, height - 14), (width, height), _times(colour, 0.5), -1)
    return image, glow


def _door(image, rng, left: int, top: int, bottom: int) -> None:
    colour = rng.uniform(40, 130, 3).tolist()
    cv2.rectangle(image, (left - 5, top - 5), (left + 49, bottom), (208, 204, 196), -1)
    cv2.rectangle(image, (left, top), (left + 44, bottom), colour, -1)
    for dx in (6, 25):
        cv2.rectangle(image, (left + dx, top + 40), (left + dx + 13, bottom - 12), _times(colour, 0.75), -1)
        cv2.rectangle(image, (left + dx, top + 7), (left + dx + 13, top + 32), GLASS, -1)


def _shop_window(image, glow, rng, left: int, height: int) -> None:
    x0, x1, y0, y1 = left + 7, left + BAY_PX - 7, 42, height - 22
    cv2.rectangle(image, (x0 - 4, y0 - 4), (x1 + 4, y1 + 4), (52, 50, 50), -1)
    image[y0:y1, x0:x1] = np.clip(_glass(rng, y1 - y0, x1 - x0) * 1.15, 0, 255)
    for _ in range(7):
        x, h = int(rng.integers(x0 + 3, x1 - 14)), int(rng.integers(10, 40))
        cv2.rectangle(image, (x, y1 - h), (x + 10, y1 - 2), rng.uniform(60, 215, 3).tolist(), -1)
    glow[y0:y1, x0:x1] = 190


def _times(colour, factor: float) -> tuple[float, float, float]:
    return tuple(min(255.0, float(c) * factor) for c in colour)
