"""From faces to the face number of every pixel: projection, clipping, and painting from far to near."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .camera import Camera, Pose
from .faces import Faces

NEAR_M = 0.25
SUBPIXEL_BITS = 4
EDGE_ON = 1e-6
RIM = 1e-3
DEPTH_SLACK = 1.5


@dataclass(frozen=True)
class Coverage:
    """Which face each pixel shows.

    index: HxW int32, 0 for none, else 1 + row of the other arrays. face: row -> number in the faces given.
    plane: rows x 3 x 3, maps a pixel (x, y, 1) to (u / z, v / z, 1 / z). low, high: rows x 3, the range of (u, v, 1/z)
    over the corners, which keeps pixels on the rim inside their texture (and 1/z sane where a face is seen edge-on).
    """

    index: np.ndarray
    face: np.ndarray
    plane: np.ndarray
    low: np.ndarray
    high: np.ndarray


def rasterise(faces: Faces, camera: Camera, pose: Pose) -> Coverage:
    """Paint the faces that are in view, farthest first; later faces cover earlier ones."""
    columns = _columns(faces, camera, pose)
    first = np.cumsum(faces.corners) - faces.corners
    owner = np.repeat(np.arange(len(faces)), faces.corners)
    u, v = faces.ring[:, :1], faces.ring[:, 1:]
    corners = columns[owner, 0] * u + columns[owner, 1] * v + columns[owner, 2]
    plane, determinant = _inverse(columns)
    front = np.where(faces.cull == 0, np.abs(determinant), determinant * faces.cull) > EDGE_ON
    order = np.flatnonzero(front & _in_view(corners, first, camera))
    order = order[np.argsort(-_distance(faces, first, owner, pose)[order], kind='stable')]
    index = np.zeros((camera.height, camera.width), np.int32)
    _paint(index, corners, first, faces.corners, order)
    low, high = _ranges(faces.ring, corners[:, 2], first)
    return Coverage(index, order, plane[order], low[order], high[order])


def _columns(faces: Faces, camera: Camera, pose: Pose) -> np.ndarray:
    """N x 3 x 3: the images a, b, c of axis_u, axis_v and origin; u a + v b + c is z (x, y, 1)."""
    world = np.stack([faces.axis_u, faces.axis_v, faces.origin - pose.position], axis=1)
    return world @ (camera.matrix @ pose.rotation).T


def _inverse(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixel-to-texture map of each face, and its determinant: positive when the front is seen, 0 edge-on."""
    a, b, c = columns[:, 0], columns[:, 1], columns[:, 2]
    bc = np.cross(b, c)
    determinant = np.einsum('ij,ij->i', a, bc)
    safe = np.where(np.abs(determinant) > EDGE_ON, determinant, 1.0)
    return np.stack([bc, np.cross(c, a), np.cross(a, b)], axis=1) / safe[:, None, None], determinant


def _in_view(corners: np.ndarray, first: np.ndarray, camera: Camera) -> np.ndarray:
    """Whether a face may touch the image; one that reaches behind the camera counts as touching."""
    z = corners[:, 2]
    safe = np.maximum(z, NEAR_M)
    x, y = corners[:, 0] / safe, corners[:, 1] / safe
    inside = (np.minimum.reduceat(x, first) < camera.width) & (np.maximum.reduceat(x, first) > -1)
    inside &= (np.minimum.reduceat(y, first) < camera.height) & (np.maximum.reduceat(y, first) > -1)
    return (np.maximum.reduceat(z, first) > NEAR_M) & (inside | (np.minimum.reduceat(z, first) < NEAR_M))


def _distance(faces: Faces, first: np.ndarray, owner: np.ndarray, pose: Pose) -> np.ndarray:
    """Sorting distance: that of the object, then a little of the face's own, so an object paints its far side first."""
    u, v = faces.ring[:, :1], faces.ring[:, 1:]
    offset = faces.origin[owner] - pose.position + u * faces.axis_u[owner] + v * faces.axis_v[owner]
    squared = np.einsum('ij,ij->i', offset[:, :2], offset[:, :2])
    farthest = np.sqrt(np.maximum.reduceat(squared, first))
    mean = np.sqrt(np.add.reduceat(np.einsum('ij,ij->i', offset, offset), first) / faces.corners)
    to_anchor = np.linalg.norm(faces.anchor - pose.position[:2], axis=1)
    return np.where(faces.reach, farthest, to_anchor) + 1e-3 * mean + faces.layer


def _paint(index: np.ndarray, corners: np.ndarray, first: np.ndarray, count: np.ndarray, order: np.ndarray) -> None:
    z = corners[:, 2:]
    behind = np.logical_or.reduceat(z[:, 0] < NEAR_M, first)
    points = _fixed_point(corners)
    for row, face in enumerate(order.tolist(), start=1):
        start = first[face]
        ring = points[start : start + count[face]]
        if behind[face]:
            ring = _fixed_point(_clip(corners[start : start + count[face]]))
            if len(ring) < 3:
                continue
        if len(ring) == 4 and not behind[face]:
            cv2.fillConvexPoly(index, ring, row, cv2.LINE_8, SUBPIXEL_BITS)
        else:
            cv2.fillPoly(index, [ring], row, cv2.LINE_8, SUBPIXEL_BITS)


def _fixed_point(corners: np.ndarray) -> np.ndarray:
    """Homogeneous corners to whole subpixels, int32."""
    pixels = corners[:, :2] / np.maximum(corners[:, 2:], NEAR_M)
    return np.clip(np.rint(pixels * 2**SUBPIXEL_BITS), -(2**24), 2**24).astype(np.int32)


def _clip(corners: np.ndarray) -> np.ndarray:
    """The part of a ring in front of the near plane (Sutherland and Hodgman 1974)."""
    kept = []
    for here, there in zip(corners, np.roll(corners, -1, axis=0)):
        if here[2] >= NEAR_M:
            kept.append(here)
        if (here[2] >= NEAR_M) != (there[2] >= NEAR_M):
            share = (NEAR_M - here[2]) / (there[2] - here[2])
            kept.append(here + share * (there - here))
    return np.array(kept).reshape(-1, 3)


def _ranges(ring: np.ndarray, z: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = np.column_stack([ring, 1 / np.maximum(z, NEAR_M)])
    low, high = np.minimum.reduceat(values, first), np.maximum.reduceat(values, first)
    low += (RIM, RIM, 0)
    high -= (RIM, RIM, 0)
    low[:, 2] /= DEPTH_SLACK
    high[:, 2] *= DEPTH_SLACK
    return low, high
