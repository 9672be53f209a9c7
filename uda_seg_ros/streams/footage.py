"""The frames of one stream with their labels: made once, kept in a folder, mapped into memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from ..labels import IGNORE, LabelSpace
from ..procedural import apply_weather
from ..storage.cache_folder import made_once
from ..structures import Frame
from .drives import Drive, Material
from .schedule import DAY, Moment, Part, moments

FPS = 1.0  # of the stamps; labels of real drives come once a second


@dataclass(frozen=True, eq=False)
class Footage:
    """images: NxHxWx3 uint8 RGB. labels: NxHxW uint8 of `space`, IGNORE while the sensor is at fault. One moment a frame.

    key: changes with whatever the frames depend on.
    """

    images: np.ndarray
    labels: np.ndarray
    space: LabelSpace
    moments: tuple[Moment, ...]
    key: str = ''

    def __len__(self) -> int:
        return len(self.moments)

    def frame(self, index: int) -> Frame:
        return Frame(np.asarray(self.images[index]), round(index * 1e9 / FPS))

    def label(self, index: int) -> np.ndarray:
        return np.asarray(self.labels[index])


def make_footage(parts: list[Part], material: Material, size: tuple[int, int], folder: Path, *, seed: int = 0,
                 other: bool = False) -> Footage:
    """Render a stream into `folder`, or find it there.

    size: (height, width) of the network's input, which the frames get where the material says so. seed: of the weather.
    other: of the material's other drives: the same schedule elsewhere.
    """
    drives = material.other if other else material.drives
    order = by_class(drives[DAY], material.labels, sum(part.frames for part in parts)) if any(
        part.by_class for part in parts) else None
    shown = moments(parts, {name: len(drive) for name, drive in drives.items()}, order)
    size = size if material.resized else None
    key = hashlib.sha256(json.dumps([list(map(asdict, shown)), material.key, size, seed, other]).encode()).hexdigest()[:16]
    path = made_once(folder / f'footage_{key}', lambda draft: _write(draft, shown, drives, size, seed))
    images, labels = (np.load(path / f'{name}.npy', mmap_mode='r') for name in ('images', 'labels'))
    return Footage(images, labels, material.labels, tuple(shown), key)


def _write(draft: Path, shown: list[Moment], drives: Mapping[str, Drive], size: tuple[int, int] | None, seed: int) -> None:
    stores = None
    for number, (image, label) in enumerate(render(shown, drives, size, seed)):
        if stores is None:
            stores = [np.lib.format.open_memmap(draft / f'{name}.npy', 'w+', np.uint8, (len(shown), *first.shape))
                      for name, first in (('images', image), ('labels', label))]
        stores[0][number], stores[1][number] = image, label
    for store in stores:
        store.flush()


def render(shown: list[Moment], drives: Mapping[str, Drive], size: tuple[int, int] | None, seed: int,
           ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(image HxWx3, label HxW) of every moment."""
    last = None
    for number, moment in enumerate(shown):
        if last is None or (moment.drive, moment.place) != last[0]:
            scene = drives[moment.drive].scene(moment.place)
            last = (moment.drive, moment.place), scene, drives[moment.drive].label(moment.place, scene)
        _, scene, label = last
        image = apply_weather(scene, {**drives[moment.drive].weather, **moment.weather}, number, seed)
        if size is not None:
            image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
            label = cv2.resize(label, size[::-1], interpolation=cv2.INTER_NEAREST)
        if moment.mirrored:
            image, label = image[:, ::-1], label[:, ::-1]
        yield FAULTS[moment.fault](image), label if not moment.fault else np.full_like(label, IGNORE)


# What a sensor at fault gives; a frozen one shows the frame at which the drive is held.
FAULTS = {'': np.ascontiguousarray, 'black': np.zeros_like, 'frozen': np.ascontiguousarray,
          'saturated': lambda image: np.full_like(image, 255)}


def by_class(drive: Drive, space: LabelSpace, most: int) -> list[int]:
    """Places of a drive, at most so many, by the class that has most pixels there beside what the drive shows most."""
    places = range(min(len(drive), most))
    pixels = np.array([np.bincount(drive.label(place, drive.scene(place)).reshape(-1), minlength=256)[:space.num_classes]
                       for place in places])
    common = np.argsort(pixels.sum(axis=0))[-3:]  # road, sky and what the town is made of are everywhere
    pixels[:, common] = 0
    return np.lexsort((-pixels.max(axis=1), pixels.argmax(axis=1))).tolist()
