"""A drive: the frames of one world in the weather of one schedule, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .camera import Camera
from .schedule import Schedule, parse_schedule
from .weather import apply_weather
from .world import FPS, SIZE, World


@dataclass(frozen=True, eq=False)
class DriveFrame:
    """One frame with its truth.

    image: HxWx3 uint8 RGB in the weather. label: HxW uint8 train ids. depth: HxW float32 metres. index: frame number.
    stamp_ns: time since the start. weather: name -> severity. segment: name of the part of the schedule.
    """

    image: np.ndarray
    label: np.ndarray
    depth: np.ndarray
    index: int
    stamp_ns: int
    weather: dict[str, float]
    segment: str
    camera: Camera


def drive(
    town: str, seed: int = 0, weather_schedule: Schedule | str = "clear", frames: int | None = None,
    size: tuple[int, int] = SIZE, fps: float = FPS,
) -> Iterator[DriveFrame]:  # fmt: skip
    """Iterate over a drive.

    weather_schedule: a schedule or its text; it is stretched to `frames` where that is given. The same seed gives the
    same streets, traffic and labels in any weather. ValueError for an unknown town or a bad schedule.
    """
    if isinstance(weather_schedule, str):
        schedule = parse_schedule(weather_schedule, frames)
    else:
        schedule = weather_schedule if frames is None else weather_schedule.stretched(frames)
    world = World(town, seed, size, fps)
    for index in range(schedule.frames):
        yield _shoot(world, schedule, index)


def _shoot(world: World, schedule: Schedule, index: int) -> DriveFrame:
    scene = world.frame(index)
    segment = schedule.segment(index)
    weather = segment.at(index)
    image = apply_weather(scene, weather, index, world.seed)
    stamp_ns = round(index * 1e9 / world.fps)
    return DriveFrame(image, scene.label, scene.depth, index, stamp_ns, weather, segment.name, world.camera)
