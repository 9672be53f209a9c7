"""Fog by Koschmieder's law, and the thin haze that rain and snow put in the air."""

from __future__ import annotations

import numpy as np

from ..daylight import mix
from ..scene import Scene
from .moment import Moment

BETA_PER_M = 0.07
AIRLIGHT = np.array((203, 206, 210), np.float32)
SKY_M = 1500.0


def fog_beta(severity: float) -> float:
    """Extinction per metre: 0.07 at severity 1, a meteorological visibility of 43 m."""
    return BETA_PER_M * severity**1.6


def transmission(depth: np.ndarray, beta_per_m: float) -> np.ndarray:
    """t = exp(-beta d), HxW float32; the sky counts as 1500 m of air."""
    return np.exp(np.minimum(depth, np.float32(SKY_M)) * np.float32(-beta_per_m))


def fog(image: np.ndarray, scene: Scene, severity: float, moment: Moment) -> np.ndarray:
    """I = J t + A (1 - t); the airlight A is dim by night."""
    return haze(image, scene, fog_beta(severity), moment)


def haze(image: np.ndarray, scene: Scene, beta_per_m: float, moment: Moment, airlight=AIRLIGHT) -> np.ndarray:
    """The same law with any extinction and airlight."""
    return mix(image, transmission(scene.depth, beta_per_m), np.asarray(airlight) * moment.brightness)
