"""One rendered moment of a drive: what the camera sees, and what is true about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .camera import Camera, Pose


@dataclass(frozen=True, eq=False)
class Scene:
    """A clear-weather frame with exact annotation.

    image: HxWx3 uint8 RGB. label: HxW uint8 Cityscapes train ids. depth: HxW float32 metres along the optical axis,
    infinite for the sky. The rest serves the weather and may be absent: emission HxW uint8 (what glows by night),
    upward HxW uint8 (255 faces straight up, 0 is vertical), lamps Nx3 world metres (street lanterns), camera and pose.
    """

    image: np.ndarray
    label: np.ndarray
    depth: np.ndarray
    emission: np.ndarray | None = None
    upward: np.ndarray | None = None
    lamps: np.ndarray | None = None
    camera: Camera | None = None
    pose: Pose | None = None
