"""Masks for human eyes."""

from __future__ import annotations

import cv2
import numpy as np


def colorize(mask: np.ndarray, palette: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """mask: HxW uint8. palette: 256x3 uint8 RGB. Returns HxWx3 uint8 RGB, in `out` if that is given."""
    return cv2.applyColorMap(mask, palette.reshape(256, 1, 3), dst=out)


def overlay(image: np.ndarray, color: np.ndarray, alpha: float, out: np.ndarray | None = None) -> np.ndarray:
    """Lay colours over a picture; alpha 0 shows the picture alone, 1 the colours alone.

    image, color: HxWx3 uint8 RGB; colours of another size are brought to the picture's by nearest neighbour. Returns
    HxWx3 uint8 RGB, in `out` if that is given.
    """
    if color.shape != image.shape:
        color = cv2.resize(color, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_NEAREST)
    return cv2.addWeighted(image, 1 - alpha, color, alpha, 0, dst=out)
