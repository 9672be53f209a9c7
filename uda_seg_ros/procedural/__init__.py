"""Procedural drives: a camera in a street of our own making, with exact labels and depth, in any weather.

``World(town, seed, size).frame(index)`` renders one clear scene, ``apply_weather(scene, weather, frame)`` its weather,
``drive(town, seed, schedule, frames, size)`` iterates over both.
"""

from __future__ import annotations

from .camera import Camera, Pose
from .drive import DriveFrame, drive
from .scene import Scene
from .schedule import Schedule, ScheduleError, Segment, parse_schedule
from .town import TOWNS
from .weather import FAMILIES, WEATHERS, apply_weather
from .world import FPS, SIZE, World

__all__ = [
    "FAMILIES", "FPS", "SIZE", "TOWNS", "WEATHERS", "Camera", "DriveFrame", "Pose", "Scene", "Schedule", "ScheduleError",
    "Segment", "World", "apply_weather", "drive", "parse_schedule",
]  # fmt: skip
