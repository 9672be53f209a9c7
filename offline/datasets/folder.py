"""A folder of pictures in natural order, with label pictures of the same names in another folder, or without."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uda_seg_ros.labels import LABEL_SPACES
from uda_seg_ros.recordings import RecordingError
from uda_seg_ros.recordings.folder import find_labels, pictures_of, read_label
from uda_seg_ros.runtime.pictures import SUFFIXES

from .base import Dataset, DatasetError
from .decoded import RecordingWarning
from .label_files import read_rgb
from .label_space import check_space


@dataclass(frozen=True)
class Pictures:
    """labels: folder of label pictures; pictures without one are left out. label_space: what their ids mean.

    stride: every so many-th picture is used.
    """

    labels: str = ''
    label_space: str = ''
    stride: int = 1

    def __post_init__(self) -> None:
        check_space(self.label_space, 'labels', self.labels)
        if self.stride < 1:
            raise ValueError('stride must be 1 or more')


class Folder(Dataset):
    """All pictures in and below the folder. Labels are found and read as recordings.folder says."""

    Config = Pictures

    def __init__(self, root: Path, config: Pictures) -> None:
        """Raises DatasetError if there are no pictures, or labels are asked for and none fits."""
        self.root = root
        pictures = pictures_of(root) if root.is_dir() else []
        if not pictures:
            raise DatasetError(f'{self.describe()}: {"no pictures in it" if root.is_dir() else "no such folder"}; '
                               f'expected files {" ".join(SUFFIXES)}')
        self._labels: list[Path] = []
        if config.labels:
            pictures = self._with_labels(pictures, Path(config.labels).expanduser())[::config.stride]
            self.labels = LABEL_SPACES[config.label_space]
            self._labels = [label for _, label in pictures]
            pictures = [picture for picture, _ in pictures]
        self._pictures = pictures if config.labels else pictures[::config.stride]

    def _with_labels(self, pictures: list[Path], labels: Path) -> list[tuple[Path, Path]]:
        try:
            found = find_labels(self.root, pictures, labels)
        except RecordingError as error:
            raise DatasetError(str(error)) from error
        if missing := len(pictures) - len(found):
            warnings.warn(f'{self.describe()}: {missing} pictures have no label in {labels} and are left out',
                          RecordingWarning, stacklevel=3)
        return [(pictures[index], label) for index, label in found.items()]

    def __len__(self) -> int:
        return len(self._pictures)

    def image(self, index: int) -> np.ndarray:
        return read_rgb(self._pictures[index])

    def label(self, index: int) -> np.ndarray | None:
        if self.labels is None:
            return None
        try:
            return read_label(self._labels[index], self.labels)
        except RecordingError as error:
            raise DatasetError(str(error)) from error

    def name(self, index: int) -> str:
        return str(self._pictures[index].relative_to(self.root))

    def describe(self) -> str:
        return f'folder {self.root}'

    def key(self) -> str | None:
        if self.labels is None:
            return None
        files = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in self._labels]
        return hashlib.sha256(repr((self.labels.name, files)).encode()).hexdigest()
