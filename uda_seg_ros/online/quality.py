"""Sensor faults: pictures that must neither be learned from nor be taken for a new domain.

Each test gets (picture, the look before) at the size of the network's input and returns the fault in words, or None.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ..shift_signals import picture_signals

DARK, BRIGHT = 8, 250  # grey levels
STILL = 0.5  # mean difference in grey levels below which two looks show the same


def black(picture: np.ndarray, before: np.ndarray | None) -> str | None:
    share = float((_grey(picture) <= DARK).mean())
    return f'black picture ({100 * share:.0f} % of the pixels are dark)' if share > 0.9 else None


def saturated(picture: np.ndarray, before: np.ndarray | None) -> str | None:
    share = float((_grey(picture) >= BRIGHT).mean())
    return f'saturated picture ({100 * share:.0f} % of the pixels are white)' if share > 0.5 else None


def empty(picture: np.ndarray, before: np.ndarray | None) -> str | None:
    contrast = float(_grey(picture).std())
    return f'picture without contrast (standard deviation of {contrast:.1f} grey levels)' if contrast < 3 else None


def garbage(picture: np.ndarray, before: np.ndarray | None) -> str | None:
    share = picture_signals(picture)[2]
    return f'picture of noise ({100 * share:.0f} % of its energy is in single pixels)' if share > 0.5 else None


def still(picture: np.ndarray, before: np.ndarray | None) -> str | None:
    if before is None or before.shape != picture.shape:
        return None
    change = float(cv2.absdiff(picture, before).mean())
    return f'same picture as before (mean change {change:.2f} grey levels)' if change < STILL else None


FAULTS: dict[str, Callable[[np.ndarray, np.ndarray | None], str | None]] = {
    'black': black, 'saturated': saturated, 'empty': empty, 'garbage': garbage, 'still': still}


def fault(picture: np.ndarray, before: np.ndarray | None) -> str | None:
    """The first fault, in words."""
    return next((reason for test in FAULTS.values() if (reason := test(picture, before))), None)


def _grey(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
