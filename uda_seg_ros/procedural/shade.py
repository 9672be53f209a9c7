"""From the face number of every pixel to depth, label and colour, all from the same coverage."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .atlas import NUM_LEVELS, Atlas
from .camera import Camera
from .classes import SKY
from .faces import Faces
from .raster import Coverage

SHARPNESS = 0.35


@dataclass(frozen=True)
class Surfaces:
    """Per pixel: face row (intp, 0 is the sky), 1/z and texture position (u, v), all HxW float32."""

    row: np.ndarray
    inverse_depth: np.ndarray
    u: np.ndarray
    v: np.ndarray


def resolve(coverage: Coverage, camera: Camera) -> Surfaces:
    """Evaluate each pixel's own plane equation; 1/z, u/z and v/z are affine in the image."""
    row = coverage.index.astype(np.intp)
    plane = np.zeros((len(coverage.face) + 1, 9))
    plane[1:] = coverage.plane.reshape(-1, 9)
    table = np.ascontiguousarray(plane.T, np.float32)
    low, high = _padded(coverage.low), _padded(coverage.high)
    x = np.arange(camera.width, dtype=np.float32)[None]
    y = np.arange(camera.height, dtype=np.float32)[:, None]

    def affine(k: int) -> np.ndarray:
        value = table[3 * k].take(row)
        value *= x
        slope = table[3 * k + 1].take(row)
        slope *= y
        value += slope
        value += table[3 * k + 2].take(row)
        return value

    inverse = np.clip(affine(2), low[2].take(row), high[2].take(row))
    z = 1 / np.maximum(inverse, 1e-6)
    u = np.clip(affine(0) * z, low[0].take(row), high[0].take(row))
    v = np.clip(affine(1) * z, low[1].take(row), high[1].take(row))
    return Surfaces(row, inverse, u, v)


def depth_of(surfaces: Surfaces) -> np.ndarray:
    """HxW float32 metres along the optical axis; the sky is infinitely far."""
    with np.errstate(divide='ignore'):
        return np.where(surfaces.row > 0, 1 / surfaces.inverse_depth, np.float32(np.inf)).astype(np.float32)


def label_of(surfaces: Surfaces, coverage: Coverage, faces: Faces) -> np.ndarray:
    """HxW uint8 train ids."""
    return np.concatenate([[np.uint8(SKY)], faces.label[coverage.face]]).take(surfaces.row)


def texture_of(surfaces: Surfaces, coverage: Coverage, faces: Faces, atlas: Atlas) -> np.ndarray:
    """HxWx4 uint8 texels, each read from the level that fits its footprint on the screen."""
    texture = np.concatenate([[0], faces.texture[coverage.face]])
    size, origin = atlas.size[texture], atlas.origin[texture]
    x = _texel(surfaces.u, size[:, 0].take(surfaces.row), origin[:, 0].take(surfaces.row))
    y = _texel(surfaces.v, size[:, 1].take(surfaces.row), origin[:, 1].take(surfaces.row))
    area = np.ones(len(texture))
    area[1:] = np.abs(np.linalg.det(coverage.plane)) * size[1:, 0] * size[1:, 1]
    scale = (0.5 * np.log2(np.maximum(area, 1e-12)) - SHARPNESS + 0.5).astype(np.float32)
    level = scale.take(surfaces.row)
    level -= 1.5 * np.log2(np.maximum(surfaces.inverse_depth, np.float32(1e-5)))
    return atlas.sample(x, y, np.clip(level, 0, NUM_LEVELS - 1).astype(np.intp))


def lit_colour(texels: np.ndarray, surfaces: Surfaces, light: np.ndarray) -> np.ndarray:
    """HxWx3 uint8: texels times the light (rows x 3, row 0 for the sky) that falls on their face."""
    return cv2.multiply(np.ascontiguousarray(texels[..., :3]), light.take(surfaces.row, axis=0), dtype=cv2.CV_8U)


def _texel(position: np.ndarray, size: np.ndarray, origin: np.ndarray) -> np.ndarray:
    position = position - np.floor(position)
    position *= size
    position += origin
    return position


def _padded(rows: np.ndarray) -> np.ndarray:
    """3 x (rows + 1) float32 with a zero column in front for the sky."""
    return np.ascontiguousarray(np.vstack([np.zeros((1, 3)), rows]).T, np.float32)
