"""Cars, vans, trucks and buses: a side outline drawn across the width, with painted sides, ends, glass and lamps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from .atlas import Atlas
from .bodywork import PX_PER_M, end_picture, side_picture, windscreen
from .faces import FaceBuilder, Faces
from .noise import painted
from .outlines import COACH, HATCH, LORRY, SEDAN, SUV, Outline
from .town import Town

SEAM_PX = 2


@dataclass(frozen=True)
class Vehicle:
    """Faces about the middle of the vehicle on the ground, its front along +x."""

    faces: Faces
    length_m: float
    width_m: float
    height_m: float


def add_vehicles(atlas: Atlas, town: Town, rng: np.random.Generator) -> dict[str, list[Vehicle]]:
    """Vehicles by kind: every car shape in several paints, a few trucks and buses."""
    car_paints = [paint for paint in town.paints for _ in range(2)]
    cars = [_build(atlas, (SEDAN, HATCH, SUV)[index % 3], paint, rng) for index, paint in enumerate(car_paints)]
    trucks = [_build(atlas, LORRY, paint, rng) for paint in ((226, 226, 220), (62, 96, 150), (190, 150, 60))]
    buses = [
        _build(atlas, COACH, paint, rng) for paint in ((206, 50, 40), (236, 200, 70) if town.gables else (60, 140, 120))
    ]
    return {'car': cars, 'truck': trucks, 'bus': buses}


def _build(atlas: Atlas, outline: Outline, paint, rng: np.random.Generator) -> Vehicle:
    builder = FaceBuilder()
    image, labels, glow = side_picture(outline, paint, rng)
    side = atlas.add(image, glow)
    split = round((outline.height_m - outline.belt_m) * PX_PER_M)
    for sign in (1, -1):
        _side_faces(builder, outline, side, labels, split, sign)
    materials = {
        'paint': atlas.add(painted(paint, np.full((16, 16), 1.0, np.float32))),
        'glass': atlas.add(windscreen()),
        'front': atlas.add(*end_picture(outline, paint, front=True)),
        'rear': atlas.add(*(picture[::-1] for picture in end_picture(outline, paint, front=False))),
    }
    for (here, there), kind in zip(pairwise(outline.body), outline.kinds):
        _across(builder, outline, here, there, materials[kind])
    return Vehicle(builder.build(), outline.length_m, outline.width_m, outline.height_m)


def _side_faces(builder: FaceBuilder, outline: Outline, texture: int, labels, split: int, sign: int) -> None:
    """The upright lower side with its wheels, and the greenhouse above the belt, which leans inwards."""
    height, width = labels.shape
    rear, tall = outline.body[0][0], height / PX_PER_M
    half = sign * outline.width_m / 2
    axis_u = np.array([width / PX_PER_M, 0, 0])
    lean = np.array([0.0, sign * outline.inset_m, 0.0])
    greenhouse_m = max(outline.height_m - outline.belt_m, 1e-3)
    for upper in (False, True):
        mask = labels.copy()
        mask[: max(split, 0)] *= upper
        mask[max(split, 0) + SEAM_PX * upper :] *= not upper
        contours, _ = cv2.findContours(np.pad(mask, 1), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for contour in contours:
            ring = (cv2.approxPolyDP(contour, 0.8, True)[:, 0] - 0.5) / (width, height)
            if len(ring) < 3:
                continue
            origin, axis_v = np.array([rear - 0.05, half, tall]), np.array([0.0, 0.0, -tall])
            if upper:
                origin, axis_v = origin - lean, axis_v + lean * tall / greenhouse_m
            builder.add(origin, axis_u, axis_v, texture, outline.label, ring, cull=-sign)


def _across(builder: FaceBuilder, outline: Outline, here, there, texture: int) -> None:
    """The face between two outline corners, from side to side."""
    halves = [outline.width_m / 2 - (outline.inset_m if z > outline.belt_m + 0.1 else 0) for _, z in (here, there)]
    wide = outline.width_m
    origin = np.array([here[0], wide / 2, here[1]])
    axis_v = np.array([there[0] - here[0], 0.0, there[1] - here[1]])
    ring = [(0.5 - halves[0] / wide, 0), (0.5 + halves[0] / wide, 0)]
    ring += [(0.5 + halves[1] / wide, 1), (0.5 - halves[1] / wide, 1)]
    builder.add(origin, (0, -wide, 0), axis_v, texture, outline.label, ring, cull=-1)
