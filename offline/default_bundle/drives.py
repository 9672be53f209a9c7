"""Procedural drives as arrays: rendered once, kept in a folder, mapped into memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..synthesize.drive import drive
from .recipe import Drives


def frames_of(drives: Drives) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(image HxWx3 uint8 RGB, label HxW uint8 train ids) of every frame used, drive by drive."""
    for seed in drives.seeds:
        for frame in drive(drives.town, seed, drives.weather, drives.frames, fps=drives.fps):
            yield frame.image, frame.label


def rendered(drives: Drives, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """images NxHxWx3 and labels NxHxW, uint8, read from `folder`, or rendered into it where they are not there yet."""
    path = folder / f'drives_{_key(drives)}'
    if not path.is_dir():
        _render(drives, path)
    return tuple(np.load(path / f'{name}.npy', mmap_mode='r') for name in ('images', 'labels'))


def _render(drives: Drives, path: Path) -> None:
    draft = path.with_suffix('.draft')
    draft.mkdir(parents=True, exist_ok=True)
    count, arrays = len(drives.seeds) * drives.frames, []
    for number, pair in enumerate(frames_of(drives)):
        if not arrays:
            arrays = [np.lib.format.open_memmap(draft / f'{name}.npy', 'w+', np.uint8, (count, *array.shape))
                      for name, array in zip(('images', 'labels'), pair)]
        for store, array in zip(arrays, pair):
            store[number] = array
    draft.rename(path)


def _key(drives: Drives) -> str:
    """Changes with the drives and with the program that renders them."""
    digest = hashlib.sha256(repr(drives).encode())
    for source in sorted((Path(__file__).parent.parent / 'synthesize').rglob('*.py')):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
