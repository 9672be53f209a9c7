"""Data sets of picture files with label files beside them: two patterns say where both lie."""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from uda_seg_ros.labels import IGNORE

from .base import Dataset, DatasetError
from .label_files import read_ids, read_rgb


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the files of a data set lie below its root.

    images, labels: patterns with the same number of '*', none of which spans folders; what a star stands for in a picture's
    path, it stands for in its label's. lookup: 256 train ids by the id in the file. read: the file's ids, HxW uint8.
    """

    images: str
    labels: str
    lookup: np.ndarray
    read: Callable[[Path], np.ndarray] = read_ids

    def label_of(self, image: str) -> str:
        """Path of the label of a picture, both below the root."""
        stars = re.fullmatch('([^/]*)'.join(map(re.escape, self.images.split('*'))), image).groups()
        first, *rest = self.labels.split('*')
        return first + ''.join(star + text for star, text in zip(stars, rest))


class LabelledFiles(Dataset):
    """Base of the data sets of files. `labels` is None if not one of the pictures has a label file."""

    def __init__(self, root: Path, config: Any) -> None:
        """Takes the first layout that has pictures and labels, else the first that has pictures. Raises DatasetError."""
        self.root, self.config = root, config
        layouts = self.layouts(config)
        found = {layout: sorted(path.relative_to(root).as_posix() for path in root.glob(layout.images)
                                if self.wanted(path)) for layout in layouts}
        with_images = [layout for layout in layouts if found[layout]]
        if not with_images:
            raise DatasetError(_wrong_root(self.describe(), root, layouts))
        labelled = [layout for layout in with_images if any(map(self._label_exists(layout), found[layout]))]
        self.layout = (labelled or with_images)[0]
        self._images = found[self.layout]
        if not labelled:
            self.labels = None

    @abstractmethod
    def layouts(self, config: Any) -> Sequence[Layout]:
        """Where the files may lie, the usual place first."""

    def wanted(self, image: Path) -> bool:
        """Whether a picture that fits the pattern belongs to the data set."""
        return True

    def __len__(self) -> int:
        return len(self._images)

    def image(self, index: int) -> np.ndarray:
        return read_rgb(self.root / self._images[index])

    def name(self, index: int) -> str:
        return str(Path(self._images[index]).with_suffix(''))

    def label(self, index: int) -> np.ndarray | None:
        if self.labels is None:
            return None
        return self.layout.lookup[self.layout.read(self.root / self.layout.label_of(self._images[index]))]

    def check_labels(self) -> None:
        missing = [image for image in self._images if not self._label_exists(self.layout)(image)]
        if missing:
            raise DatasetError(f'{self.describe()}: {len(missing)} of {len(self)} pictures have no label; {missing[0]} '
                               f'needs {self.root / self.layout.label_of(missing[0])}')

    def describe(self) -> str:
        return f'{type(self).__name__} {self.root}'

    def key(self) -> str | None:
        digest = hashlib.sha256(f'{type(self).__name__} {self.layout.labels}'.encode() + self.layout.lookup.tobytes())
        for image in self._images:
            path = self.root / self.layout.label_of(image)
            stat = path.stat() if path.exists() else None
            digest.update(f'{path} {stat and (stat.st_size, stat.st_mtime_ns)}\n'.encode())
        return digest.hexdigest()

    def _label_exists(self, layout: Layout) -> Callable[[str], bool]:
        return lambda image: (self.root / layout.label_of(image)).is_file()


def as_train_ids(num_classes: int) -> np.ndarray:
    """256 uint8: the lookup of files that hold train ids; all that is no class becomes IGNORE."""
    lookup = np.full(256, IGNORE, np.uint8)
    lookup[:num_classes] = np.arange(num_classes)
    return lookup


def _wrong_root(name: str, root: Path, layouts: Sequence[Layout]) -> str:
    expected = ' or '.join(dict.fromkeys(f'{layout.images} with labels {layout.labels}' for layout in layouts))
    if not root.is_dir():
        return f'{name}: there is no such folder; expected in it: {expected}'
    there = sorted(path.name + '/' * path.is_dir() for path in root.iterdir())
    return f'{name}: no pictures found; expected {expected}; in the folder are: {", ".join(there[:8]) or "no files"}'
