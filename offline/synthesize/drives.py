"""Procedural drives as arrays: rendered once, kept in a folder, mapped into memory."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from uda_seg_ros import procedural
from uda_seg_ros.config import ConfigError, from_mapping
from uda_seg_ros.procedural.drive import drive
from uda_seg_ros.procedural.schedule import parse_schedule
from uda_seg_ros.procedural.town import find_town
from uda_seg_ros.procedural.world import SIZE
from uda_seg_ros.storage.cache_folder import made_once

from ..loading.crops import resized_image, resized_label, size_at

WORTH_PROCESSES = 100  # frames; to start processes takes as long as to render some dozens


class RenderError(ValueError):
    """Drives could not be rendered."""


@dataclass(frozen=True)
class Drives:
    """Frames of procedural drives, one drive a seed.

    weather: a schedule as `python -m offline synthesize` takes it, stretched to `frames`, the number of each drive.
    fps: frames per second of drive; few, so that each frame shows another place. height, width: in pixels, to which the
    rendered pictures of 640x360 are resized; one of them keeps the aspect, none leaves them.
    """

    town: str
    weather: str
    seeds: tuple[int, ...]
    frames: int
    fps: float = 1.0
    height: int | None = None
    width: int | None = None

    def __post_init__(self) -> None:
        if not self.seeds or self.frames < 1 or self.fps <= 0:
            raise ConfigError('drives: at least one seed is needed, frames of 1 or more, and fps above 0')
        if any(side is not None and side < 1 for side in (self.height, self.width)):
            raise ConfigError('drives: height and width must be 1 or more')
        find_town(self.town)
        parse_schedule(self.weather, self.frames)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames."""
        if self.height is None and self.width is not None:
            return size_at(SIZE, self.width)[::-1]  # SIZE is (width, height)
        height, width = size_at(SIZE[::-1], self.height)
        return height, self.width or width


def frames_of(drives: Drives) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(image HxWx3 uint8 RGB, label HxW uint8 train ids) of every frame used, drive by drive."""
    for seed in drives.seeds:
        for frame in drive(drives.town, seed, drives.weather, drives.frames, fps=drives.fps):
            yield resized_image(frame.image, drives.size), resized_label(frame.label, drives.size)


def rendered(drives: Drives, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """images NxHxWx3 and labels NxHxW, uint8, read from `folder`, or rendered into it where they are not there yet."""
    path = made_once(folder / f'drives_{key_of(drives)}', lambda draft: _render(drives, draft))
    return tuple(np.load(path / f'{name}.npy', mmap_mode='r') for name in ('images', 'labels'))


def _render(drives: Drives, draft: Path) -> None:
    count = len(drives.seeds) * drives.frames
    for name, shape in (('images', (*drives.size, 3)), ('labels', drives.size)):
        np.lib.format.open_memmap(draft / f'{name}.npy', 'w+', np.uint8, (count, *shape)).flush()
    processes = min(len(os.sched_getaffinity(0)), len(drives.seeds))
    if count < WORTH_PROCESSES or processes < 2:
        _render_drives(drives, draft, range(len(drives.seeds)))
    else:
        _render_in_processes(drives, draft, processes)


def _render_in_processes(drives: Drives, draft: Path, processes: int) -> None:
    """Programs of their own rather than multiprocessing, which would run the caller's main module again, lock and all."""
    code = f'import sys; from {__name__} import _render_command; _render_command(sys.argv[1:])'
    started = [subprocess.Popen([sys.executable, '-c', code, str(draft.absolute()), str(start), str(processes),
                                 json.dumps(vars(drives))], cwd=Path(__file__).parents[2]) for start in range(processes)]
    codes = [process.wait() for process in started]
    if any(codes):
        raise RenderError(f'{draft}: rendering drives failed; what went wrong stands above')


def _render_command(arguments: list[str]) -> None:
    """Render every `step`-th drive from number `start`: DRAFT START STEP DRIVES_AS_JSON."""
    cv2.setNumThreads(1)
    drives = from_mapping(Drives, json.loads(arguments[3]), 'drives')
    _render_drives(drives, Path(arguments[0]), range(int(arguments[1]), len(drives.seeds), int(arguments[2])))


def _render_drives(drives: Drives, draft: Path, places: range) -> None:
    """Render the drives of some seeds, each to its place in the arrays."""
    arrays = [np.load(draft / f'{name}.npy', mmap_mode='r+') for name in ('images', 'labels')]
    for place in places:
        one = replace(drives, seeds=drives.seeds[place:place + 1])
        for number, pair in enumerate(frames_of(one), place * drives.frames):
            for store, array in zip(arrays, pair):
                store[number] = array
    for store in arrays:
        store.flush()


def key_of(drives: Drives) -> str:
    """Changes with the drives and with the program that renders them."""
    digest = hashlib.sha256(repr(drives).encode())
    for source in (*sorted(Path(procedural.__file__).parent.rglob('*.py')), Path(__file__)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
