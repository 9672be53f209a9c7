"""Procedural drives as a data set: rendered once, kept in a folder, mapped into memory."""

from __future__ import annotations

import fcntl
import hashlib
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import CITYSCAPES

from ..cache_folder import cache_folder
from ..crops import resized_image, resized_label, size_at
from ..synthesize.drive import drive
from ..synthesize.schedule import parse_schedule
from ..synthesize.town import find_town
from ..synthesize.world import SIZE
from .base import Dataset

WORTH_PROCESSES = 100  # frames; to start processes takes as long as to render some dozens


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


class Procedural(Dataset):
    """Drives rendered into the root folder, or into the cache folder where no root is given. Labels are exact."""

    labels = CITYSCAPES
    Config = Drives

    def __init__(self, root: Path, config: Drives) -> None:
        self.drives = config
        self.folder = cache_folder() if root == Path() else root
        self._arrays = rendered(config, self.folder)

    def __getstate__(self) -> dict:
        return {'drives': self.drives, 'folder': self.folder}

    def __setstate__(self, state: dict) -> None:
        self.__init__(state['folder'], state['drives'])

    def __len__(self) -> int:
        return len(self._arrays[0])

    def image(self, index: int) -> np.ndarray:
        return self._arrays[0][index]

    def label(self, index: int) -> np.ndarray:
        return self._arrays[1][index]

    def name(self, index: int) -> str:
        seed, frame = self.drives.seeds[index // self.drives.frames], index % self.drives.frames
        return f'{self.drives.town}/{seed}/{frame:05d}'

    def describe(self) -> str:
        return f'procedural {self.drives.town}, {self.drives.weather}'

    def key(self) -> str:
        return _key(self.drives)


def frames_of(drives: Drives) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(image HxWx3 uint8 RGB, label HxW uint8 train ids) of every frame used, drive by drive."""
    for seed in drives.seeds:
        for frame in drive(drives.town, seed, drives.weather, drives.frames, fps=drives.fps):
            yield resized_image(frame.image, drives.size), resized_label(frame.label, drives.size)


def rendered(drives: Drives, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """images NxHxWx3 and labels NxHxW, uint8, read from `folder`, or rendered into it where they are not there yet."""
    path = folder / f'drives_{_key(drives)}'
    if not path.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(path.with_suffix('.lock')):
            if not path.is_dir():
                _render(drives, path)
    return tuple(np.load(path / f'{name}.npy', mmap_mode='r') for name in ('images', 'labels'))


def _render(drives: Drives, path: Path) -> None:
    draft = path.with_suffix('.draft')
    draft.mkdir(exist_ok=True)
    count = len(drives.seeds) * drives.frames
    for name, shape in (('images', (*drives.size, 3)), ('labels', drives.size)):
        np.lib.format.open_memmap(draft / f'{name}.npy', 'w+', np.uint8, (count, *shape)).flush()
    processes = min(len(os.sched_getaffinity(0)), len(drives.seeds))
    if count < WORTH_PROCESSES or processes < 2:
        for place in range(len(drives.seeds)):
            _render_drive(drives, draft, place)
    else:
        with ProcessPoolExecutor(processes, multiprocessing.get_context('spawn'), cv2.setNumThreads, (1,)) as pool:
            list(pool.map(_render_drive, *zip(*((drives, draft, place) for place in range(len(drives.seeds))))))
    draft.rename(path)


def _render_drive(drives: Drives, draft: Path, place: int) -> None:
    """Render the drive of one seed to its place in the arrays."""
    arrays = [np.load(draft / f'{name}.npy', mmap_mode='r+') for name in ('images', 'labels')]
    one = Drives(**{**vars(drives), 'seeds': drives.seeds[place:place + 1]})
    for number, pair in enumerate(frames_of(one), place * drives.frames):
        for store, array in zip(arrays, pair):
            store[number] = array
    for store in arrays:
        store.flush()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time, however many ranks want the same drives."""
    with open(path, 'w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _key(drives: Drives) -> str:
    """Changes with the drives and with the program that renders them."""
    digest = hashlib.sha256(repr(drives).encode())
    for source in sorted((Path(__file__).parent.parent / 'synthesize').rglob('*.py')):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
