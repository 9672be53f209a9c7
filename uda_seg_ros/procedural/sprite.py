"""Figures cut out of a painted picture: each class region becomes a polygon that shows its part of the texture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .atlas import Atlas
from .faces import FaceBuilder

EMPTY = 255


@dataclass(frozen=True)
class Sprite:
    """Outlines in texture position (u to the right, v down, both 0..1) with a train id each, and the size in metres."""

    texture: int
    width_m: float
    height_m: float
    parts: tuple[tuple[int, np.ndarray], ...]

    def billboard(self, builder: FaceBuilder, x: float, y: float, scale: float = 1.0, tint=(1, 1, 1)) -> None:
        """Stand it on the ground, always turned to the camera."""
        width, height = self.width_m * scale, self.height_m * scale
        for label, ring in self.parts:
            builder.add(
                (x, y, height), (width, 0, 0), (0, 0, -height), self.texture, label, ring, tint, (x, y),
                billboard=True, lit=False, cull=0,
            )  # fmt: skip

    def standing(self, builder: FaceBuilder, x: float, y: float, heading: float, **options) -> None:
        """Stand it on the ground in the plane that runs along `heading`, its left edge behind."""
        along = np.array([np.cos(heading), np.sin(heading), 0.0]) * self.width_m
        origin = np.array([x, y, self.height_m]) - along / 2
        for label, ring in self.parts:
            builder.add(origin, along, (0, 0, -self.height_m), self.texture, label, ring, anchor=(x, y), cull=0, **options)


def cut_out(
    atlas: Atlas, image: np.ndarray, labels: np.ndarray, height_m: float,
    emission: np.ndarray | None = None, detail_px: float = 0.7,
) -> Sprite:  # fmt: skip
    """Register a picture (HxWx3) and trace the outline of each labelled region (HxW uint8, EMPTY around them)."""
    height, width = labels.shape
    parts = []
    for label in np.unique(labels[labels != EMPTY]):
        region = np.pad((labels == label).astype(np.uint8), 1)
        contours, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for contour in contours:
            ring = cv2.approxPolyDP(contour, detail_px, True)[:, 0].astype(float)
            if cv2.contourArea(contour) > 12 and len(ring) > 2:
                parts.append((int(label), (ring - 0.5) / (width, height)))
    texture = atlas.add(_bleed(image, labels), emission)
    return Sprite(texture, height_m * width / height, height_m, tuple(parts))


def _bleed(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Spread the colours past the outline, so that coarse levels do not mix in the empty background."""
    known = (labels != EMPTY).astype(np.float32)
    blurred = cv2.blur(image.astype(np.float32) * known[..., None], (25, 25))
    weight = cv2.blur(known, (25, 25))[..., None]
    around = blurred / np.maximum(weight, 1e-3)
    return np.where(labels[..., None] != EMPTY, image, np.clip(around, 0, 255)).astype(np.uint8)
