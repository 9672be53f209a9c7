"""Planar textured polygons, the only thing the street is made of, held as arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import numpy as np

UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Faces:
    """N polygons. A point of face i at texture position (u, v) lies at origin + u axis_u + v axis_v.

    Seen from outside, u runs to the right and v downwards. `ring` holds all corners as (u, v), `corners` how many
    belong to each face, `anchor` the ground position that sorts a whole object, `layer` is metres added to the sorting
    distance (large numbers draw first), `reach` sorts by the farthest corner instead, `billboard` turns to the camera,
    `lit` applies the sun by direction, `cull` is 1 when only the front shows, -1 when only the back, 0 both.
    """

    origin: np.ndarray
    axis_u: np.ndarray
    axis_v: np.ndarray
    ring: np.ndarray
    corners: np.ndarray
    texture: np.ndarray
    label: np.ndarray
    tint: np.ndarray
    anchor: np.ndarray
    layer: np.ndarray
    reach: np.ndarray
    billboard: np.ndarray
    lit: np.ndarray
    cull: np.ndarray

    def __len__(self) -> int:
        return len(self.origin)

    def placed(self, x: float, y: float, heading: float) -> Faces:
        """The same faces with their local x axis turned to `heading` and their origin moved to (x, y)."""
        c, s = math.cos(heading), math.sin(heading)
        turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])
        anchor = np.empty_like(self.anchor)
        anchor[:] = (x, y)
        return replace(
            self,
            origin=self.origin @ turn + (x, y, 0.0),
            axis_u=self.axis_u @ turn,
            axis_v=self.axis_v @ turn,
            anchor=anchor,
        )

    def facing(self, right: np.ndarray) -> Faces:
        """Billboards turned so that their u axis runs along `right`, about the middle of their base."""
        if not self.billboard.any():
            return self
        width = np.linalg.norm(self.axis_u, axis=1)[:, None]
        flag = self.billboard[:, None]
        return replace(
            self,
            axis_u=np.where(flag, width * right, self.axis_u),
            origin=np.where(flag, self.origin - 0.5 * width * right, self.origin),
        )


def join(parts: list[Faces]) -> Faces:
    """One set of faces out of many."""
    return Faces(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Faces)))


class FaceBuilder:
    """Collects faces one by one, then turns them into arrays."""

    def __init__(self) -> None:
        self._rows: list[tuple] = []
        self._ready: list[Faces] = []

    def add(
        self, origin, axis_u, axis_v, texture, label, ring=((0, 0), (1, 0), (1, 1), (0, 1)), tint=(1, 1, 1),
        anchor=None, layer=0.0, reach=False, billboard=False, lit=True, cull=1,
    ) -> None:  # fmt: skip
        """Add one face; the anchor defaults to its origin."""
        ring = np.asarray(ring, np.float64)
        anchor = origin[:2] if anchor is None else anchor
        self._rows.append(
            (origin, axis_u, axis_v, ring, len(ring), texture, label, tint, anchor, layer, reach, billboard, lit, cull)
        )

    def upright(self, start, end, bottom: float, top: float, texture, label, repeat=(1.0, 1.0), **options) -> None:
        """A vertical rectangle from ground point `start` to `end` as seen left to right by who looks at its front."""
        start, end = np.asarray(start, float), np.asarray(end, float)
        u, v = repeat
        axis_u = np.array([*(end - start) / u, 0.0])
        axis_v = np.array([0.0, 0.0, (bottom - top) / v])
        ring = ((0, 0), (u, 0), (u, v), (0, v))
        options.setdefault('anchor', tuple((start + end) / 2))
        self.add((*start, top), axis_u, axis_v, texture, label, ring, **options)

    def ground(self, outline: np.ndarray, texture, label, tile_m: float, layer: float, **options) -> None:
        """A polygon lying on the ground, its texture repeating every `tile_m` metres; larger `layer` lies lower."""
        base = np.floor(outline[0] / 64) * 64
        ring = (outline - base) / tile_m * (1, -1)
        self.add((*base, 0.0), (tile_m, 0, 0), (0, -tile_m, 0), texture, label, ring, layer=layer, cull=0, **options)

    def extend(self, faces: Faces) -> None:
        """Add faces that exist already."""
        self._ready.append(faces)

    def build(self) -> Faces:
        """The arrays: the added faces in order, then those that existed."""
        return join([self._table(), *self._ready])

    def _table(self) -> Faces:
        columns = list(zip(*self._rows)) if self._rows else [[] for _ in range(14)]
        count = len(self._rows)
        ring = np.concatenate(columns[3]) if count else np.zeros((0, 2))

        def table(index: int, width: int, kind: type) -> np.ndarray:
            return np.array(columns[index], kind).reshape((count, width) if width else (count,))

        return Faces(
            table(0, 3, float), table(1, 3, float), table(2, 3, float), ring, table(4, 0, np.int64),
            table(5, 0, np.int64), table(6, 0, np.uint8), table(7, 3, np.float32), table(8, 2, float),
            table(9, 0, float), table(10, 0, bool), table(11, 0, bool), table(12, 0, bool), table(13, 0, np.int8),
        )  # fmt: skip
