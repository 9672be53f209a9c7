"""All textures of a drive in one image with its coarser levels beside it, so that one remap colours a whole frame."""

from __future__ import annotations

import cv2
import numpy as np

PAD = 8
NUM_LEVELS = 6
ATLAS_WIDTH = 2048


class Atlas:
    """Repeatable RGBA textures by number; the fourth channel is how much a texel glows at night."""

    def __init__(self) -> None:
        self._images: list[np.ndarray] = []
        self.pixels = np.zeros((0, 0, 4), np.uint8)
        self.origin = np.zeros((0, 2), np.float32)
        self.size = np.zeros((0, 2), np.float32)
        self._level = np.zeros((NUM_LEVELS, 3), np.float32)

    def add(self, image: np.ndarray, emission: np.ndarray | None = None) -> int:
        """Register a HxWx3 or HxWx4 uint8 texture and return its number."""
        if image.shape[2] == 3:
            glow = np.zeros(image.shape[:2], np.uint8) if emission is None else emission
            image = np.dstack([image, glow])
        self._images.append(image)
        return len(self._images) - 1

    def build(self) -> None:
        """Pack everything, with wrapped margins, and make the coarser levels."""
        sizes = [(image.shape[1], image.shape[0]) for image in self._images]
        places, height = _shelves([(w + 2 * PAD, h + 2 * PAD) for w, h in sizes])
        height += -height % 2**NUM_LEVELS
        self.pixels = np.zeros((height, ATLAS_WIDTH * 3 // 2, 4), np.uint8)
        for (x, y), image in zip(places, self._images):
            padded = np.pad(image, ((PAD, PAD), (PAD, PAD), (0, 0)), mode='wrap')
            self.pixels[y : y + padded.shape[0], x : x + padded.shape[1]] = padded
        self.origin = np.array(places, np.float32) + PAD
        self.size = np.array(sizes, np.float32)
        self._images = []
        self._build_levels(height)

    def _build_levels(self, height: int) -> None:
        level, top = self.pixels[:, :ATLAS_WIDTH], 0
        self._level[0] = (1, 0, 0)
        for k in range(1, NUM_LEVELS):
            level = cv2.resize(level, (level.shape[1] // 2, level.shape[0] // 2), interpolation=cv2.INTER_AREA)
            h, w = level.shape[:2]
            self.pixels[top : top + h, ATLAS_WIDTH : ATLAS_WIDTH + w] = level
            self._level[k] = (0.5**k, ATLAS_WIDTH, top)
            top += h

    def sample(self, x: np.ndarray, y: np.ndarray, level: np.ndarray) -> np.ndarray:
        """RGBA at level-0 texel coordinates (x, y), HxW float32, read from the coarser `level`, HxW intp."""
        scale = self._level[:, 0].take(level)
        map_x = x * scale
        map_x += (self._level[:, 1] - 0.5).take(level)
        map_y = y * scale
        map_y += (self._level[:, 2] - 0.5).take(level)
        return cv2.remap(self.pixels, map_x, map_y, cv2.INTER_LINEAR)


def _shelves(sizes: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], int]:
    """Places for rectangles on shelves, tallest first, and the total height."""
    places = [(0, 0)] * len(sizes)
    x = y = shelf = 0
    for index in sorted(range(len(sizes)), key=lambda i: -sizes[i][1]):
        w, h = sizes[index]
        if x + w > ATLAS_WIDTH:
            x, y, shelf = 0, y + shelf, 0
        places[index] = (x, y)
        x, shelf = x + w, max(shelf, h)
    return places, y + shelf
