"""A street world to drive through: any frame by its number, the same for the same seed, in whatever order asked."""

from __future__ import annotations

import cv2
import numpy as np

from .backdrop import DISTANCE_M, add_ring
from .camera import Camera, Pose
from .classes import SKY
from .daylight import cast_shadows, face_light, normals, veil
from .faces import FaceBuilder, Faces, join
from .ground import add_plain
from .kit import make_kit
from .raster import rasterise
from .route import Route
from .scene import Scene
from .shade import depth_of, label_of, lit_colour, resolve, texture_of
from .sky import Sky
from .street import Street, lay_out
from .town import find_town
from .traffic import BEHIND_M, VIEW_M, Traffic
from .trip import Trip

SIZE = (640, 360)
FPS = 15.0
OPTICS_PX = 0.55


class World:
    """One drive through one town.

    town: 'town_a' or 'town_b'. seed: which streets. size: (width, height) in pixels. fps: frames per second of drive.
    """

    def __init__(self, town: str, seed: int = 0, size: tuple[int, int] = SIZE, fps: float = FPS) -> None:
        self.town, self.seed, self.fps = find_town(town), seed, fps
        self.camera = Camera.from_field_of_view(*size, self.town.field_of_view_deg)
        self._kit = make_kit(self.town, seed)
        self._route = Route(seed, self.town.building_line_m, self.town.stretch_m)
        self._trip = Trip(self._route, self.town, seed)
        self._traffic = Traffic(self.town, self._kit, self._route, seed, self._trip.time_at)
        self._sky = Sky(self.town, self.camera, np.random.default_rng([seed, 5]))
        self._streets: dict[int, Street] = {}

    def pose(self, index: int) -> Pose:
        """Where the camera is at a frame."""
        return self._trip.pose(index / self.fps)

    def frame(self, index: int) -> Scene:
        """The clear-weather scene at a frame number, 0 or more."""
        time_s = index / self.fps
        pose, s_m = self._trip.pose(time_s), self._trip.position(time_s)
        streets = self._near(s_m)
        faces, shadows = FaceBuilder(), FaceBuilder()
        add_plain(faces, self._kit, pose.position[:2], DISTANCE_M)
        add_ring(faces, self._kit.backdrop, pose.position[:2])
        self._traffic.add(faces, shadows, time_s, s_m)
        everything = join([*(street.faces for street in streets), faces.build()]).facing(pose.right)
        shade = join([*(street.shadows for street in streets), shadows.build()])
        return self._render(everything, shade, pose, np.concatenate([street.lamps for street in streets]))

    def _near(self, s_m: float) -> list[Street]:
        """The streets in view, built when first needed."""
        found = []
        for stretch in self._route.between(s_m - BEHIND_M, s_m + VIEW_M):
            if stretch.number not in self._streets:
                self._streets[stretch.number] = lay_out(self.town, self._kit, self._route, stretch, self.seed)
            found.append(self._streets[stretch.number])
        for number in [n for n in self._streets if n < stretch.number - 6]:
            del self._streets[number]
        return found

    def _render(self, faces: Faces, shadows: Faces, pose: Pose, lamps: np.ndarray) -> Scene:
        """Depth, label and colour, all of one coverage."""
        coverage = rasterise(faces, self.camera, pose)
        surfaces = resolve(coverage, self.camera)
        label, depth = label_of(surfaces, coverage, faces), depth_of(surfaces)
        texels = texture_of(surfaces, coverage, faces, self._kit.atlas)
        normal = normals(faces, coverage.face)
        image = lit_colour(texels, surfaces, face_light(faces, coverage.face, normal, self.town))
        dark = rasterise(shadows, self.camera, pose)
        image = cast_shadows(image, faces, coverage, surfaces, shadows, dark)
        image = veil(image, depth, self.town.haze_per_m, self.town.sky_low)
        self._put_sky(image, label, pose)
        upward = np.concatenate([[0], 255 * np.clip(normal[:, 2], 0, 1)]).astype(np.uint8).take(surfaces.row)
        emission = np.where(label == SKY, np.uint8(0), texels[..., 3])
        image = cv2.GaussianBlur(image, (3, 3), OPTICS_PX)
        return Scene(image, label, depth, emission, upward, lamps, self.camera, pose)

    def _put_sky(self, image: np.ndarray, label: np.ndarray, pose: Pose) -> None:
        """Fill in the sky where nothing stands before it."""
        seen = label == SKY
        rows = np.flatnonzero(seen.any(axis=1))
        if len(rows):
            last = int(rows[-1]) + 1
            cv2.copyTo(self._sky.view(pose, last), seen[:last].view(np.uint8), image[:last])
