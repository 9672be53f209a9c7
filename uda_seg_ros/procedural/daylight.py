"""Daylight on the scene: sun by the direction of each face, shadows on the ground, haze in the distance."""

from __future__ import annotations

import cv2
import numpy as np

from .faces import Faces
from .ground import MARKING
from .raster import Coverage
from .shade import Surfaces
from .sky import sun_direction
from .town import Town

UPRIGHT_SHARE = 0.45


def normals(faces: Faces, rows: np.ndarray) -> np.ndarray:
    """Outward unit normals of the given faces, Nx3; a face without a front turns its texture's side out."""
    normal = np.cross(faces.axis_v[rows], faces.axis_u[rows])
    normal *= np.where(faces.cull[rows] < 0, -1, 1)[:, None]
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    flat = np.abs(normal[:, 2]) > 0.99
    normal[flat & (faces.cull[rows] == 0)] = (0, 0, 1)
    return normal


def face_light(faces: Faces, rows: np.ndarray, normal: np.ndarray, town: Town) -> np.ndarray:
    """RGB factors (rows + 1) x 3 float32 on texture colours; row 0, the sky, is 1."""
    toward_sun = np.clip(normal @ sun_direction(town), 0, 1)
    toward_sun = np.where(faces.lit[rows], toward_sun, UPRIGHT_SHARE)[:, None]
    open_sky = np.where(faces.lit[rows], 0.78 + 0.22 * normal[:, 2], 0.95)[:, None]
    light = np.array(town.sky_light) * 1.12 * open_sky + np.array(town.sun) * toward_sun
    return np.vstack([np.ones(3), light * faces.tint[rows]]).astype(np.float32)


def cast_shadows(image: np.ndarray, faces: Faces, coverage: Coverage, surfaces: Surfaces, shadows: Faces, dark: Coverage):
    """Darken the ground where a shadow polygon lies on it; HxWx3 uint8."""
    left = np.vstack([np.ones(3), shadows.tint[dark.face]]).astype(np.float32)
    lies_flat = np.concatenate([[False], faces.layer[coverage.face] >= MARKING - 10])
    top = int(np.argmax(dark.index.any(axis=1)))
    part = left.take(dark.index[top:], axis=0)
    part = cv2.GaussianBlur(part, (7, 5), 0)
    part[~lies_flat.take(surfaces.row[top:])] = 1
    result = image.copy()
    result[top:] = cv2.multiply(image[top:], part, dtype=cv2.CV_8U)
    return result


def veil(image: np.ndarray, depth: np.ndarray, beta_per_m: float, colour) -> np.ndarray:
    """The blue of distance: I = J t + A (1 - t) with t = exp(-beta d), HxWx3 uint8."""
    through = np.exp(np.minimum(depth, np.float32(1e4)) * np.float32(-beta_per_m))
    return mix(image, through, colour)


def mix(image: np.ndarray, share: np.ndarray, colour) -> np.ndarray:
    """image * share + colour * (1 - share), HxWx3 uint8; share HxW float32, colour RGB 0..255 or HxWx3."""
    share = cv2.merge([share] * 3)
    other = np.empty(image.shape, np.float32)
    other[:] = colour
    mixed = cv2.multiply(image, share, dtype=cv2.CV_32F)
    mixed += other
    mixed -= other * share
    return cv2.convertScaleAbs(mixed)
