"""How many pixels of each class the pictures of a data set hold, counted once and kept in the cache folder."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from uda_seg_ros.storage.cache_folder import cache_folder

from ..datasets.base import Dataset


@dataclass(frozen=True, eq=False)
class ClassPixels:
    """pixels: NxC int64, of each class in each label, at the label's own size. heights: N, of the labels in pixels."""

    pixels: np.ndarray
    heights: np.ndarray

    def at_height(self, height: int | None) -> np.ndarray:
        """NxC float: how many there are once the pictures are resized to a height, aspect kept; None leaves them."""
        return self.pixels * (1.0 if height is None else (height / self.heights[:, None]) ** 2)


def class_pixels(dataset: Dataset, folder: Path | None = None) -> ClassPixels:
    """Count, or read what was counted before for the same labels. folder: instead of the cache folder.

    Raises DatasetError naming a label that cannot be read.
    """
    key = dataset.key()
    if key is None:
        return _count(dataset)
    name = hashlib.sha256(f'{key}|{dataset.labels}|{len(dataset)}'.encode()).hexdigest()[:16]
    path = (folder or cache_folder()) / f'class_pixels_{name}.npz'
    if path.is_file():
        with np.load(path) as stored:
            return ClassPixels(stored['pixels'], stored['heights'])
    counted = _count(dataset)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f'.{os.getpid()}.draft')
    with open(draft, 'wb') as file:
        np.savez(file, **vars(counted))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    return counted


def _count(dataset: Dataset) -> ClassPixels:
    def one(index: int) -> tuple[np.ndarray, int]:
        label = np.asarray(dataset.label(index))
        return np.bincount(label.ravel(), minlength=256)[:dataset.labels.num_classes], label.shape[0]

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:  # decoding PNGs runs outside of Python's lock
        rows = list(tqdm(pool.map(one, range(len(dataset))), f'counting classes of {dataset.describe()}', len(dataset),
                         leave=False, disable=None))
    pixels, heights = zip(*rows)
    return ClassPixels(np.stack(pixels), np.array(heights))
