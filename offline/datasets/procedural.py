"""Procedural drives as a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.storage.cache_folder import cache_folder

from ..synthesize.drives import Drives, key_of, rendered
from .base import Dataset


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
        return key_of(self.drives)
