"""What a data set is: numbered pictures, most with labels, and one kind of error for all that can be wrong with them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from uda_seg_ros.labels import IGNORE, LabelSpace, mapping

from ..samples import Sample


class DatasetError(ValueError):
    """A data set cannot be used. The text names the file, or says which files were expected where."""


class Dataset(ABC):
    """Base of the data sets. Opened by `datasets.open_dataset`, which calls it with its root folder and its Config.

    labels: the label space that `label` answers in, None where there are no labels. SPLITS: the standard splits there
    are, if Config has a `split`. Objects travel to worker processes, so they must be picklable, and small when pickled.
    """

    SPLITS: ClassVar[tuple[str, ...]] = ()
    labels: LabelSpace | None = None

    @dataclass(frozen=True)
    class Config:
        """Nothing can be set."""

    @abstractmethod
    def __len__(self) -> int:
        ...

    @abstractmethod
    def image(self, index: int) -> np.ndarray:
        """HxWx3 uint8 RGB. Never opens a label. Raises DatasetError naming the file."""

    @abstractmethod
    def name(self, index: int) -> str:
        """What reports and errors call the picture; unique in the data set."""

    def label(self, index: int) -> np.ndarray | None:
        """HxW uint8 train ids of `labels` with IGNORE; None where there are no labels. Raises DatasetError."""
        return None

    def check_labels(self) -> None:
        """Raises DatasetError unless every picture has a label, as far as can be told without reading them."""
        if self.labels is None:
            raise DatasetError(f'{self.describe()}: has no labels, so it can be a target but no source, and not be scored')

    def describe(self) -> str:
        """Kind and place, the beginning of errors."""
        return type(self).__name__

    def key(self) -> str | None:
        """Changes when the labels change, for caches of what was computed from them; None is never cached."""
        return None

    def __getitem__(self, index: int) -> Sample:
        image, label = self.image(index), self.label(index)
        if label is not None and label.shape != image.shape[:2]:
            raise DatasetError(f'{self.describe()}: {self.name(index)}: the label has {label.shape[1]}x{label.shape[0]} '
                               f'pixels, the picture {image.shape[1]}x{image.shape[0]}')
        return Sample(image, label, self.name(index))

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))


class Mapped(Dataset):
    """A data set whose labels are told in another label space; a class without a counterpart there becomes IGNORE."""

    def __init__(self, inner: Dataset, labels: LabelSpace) -> None:
        """Raises DatasetError if no class has a counterpart."""
        self.inner = inner
        self.labels = labels if inner.labels is not None else None
        if inner.labels is not None:
            self._lookup = mapping(inner.labels, labels)
            if (self._lookup == IGNORE).all():
                raise DatasetError(f'{inner.describe()}: no class of {inner.labels.name} exists in {labels.name}')

    def __len__(self) -> int:
        return len(self.inner)

    def image(self, index: int) -> np.ndarray:
        return self.inner.image(index)

    def name(self, index: int) -> str:
        return self.inner.name(index)

    def label(self, index: int) -> np.ndarray | None:
        return None if self.labels is None else self._lookup[self.inner.label(index)]

    def __getitem__(self, index: int) -> Sample:
        sample = self.inner[index]
        return Sample(sample.image, None if sample.label is None else self._lookup[sample.label], sample.name)

    def check_labels(self) -> None:
        self.inner.check_labels()

    def describe(self) -> str:
        return self.inner.describe()

    def key(self) -> str | None:
        key = self.inner.key()
        return None if key is None or self.labels is None else f'{key}|{self._lookup.tobytes().hex()}'
