"""Several data sets as one, at one height, with the pictures last read kept in memory."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from ..datasets.base import Dataset
from .crops import resized_image, resized_label, size_at


class RecentlyUsed:
    """Arrays by key, at most `limit` bytes of them: the one longest unused goes first. Empty when it is unpickled."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._kept: OrderedDict[Hashable, tuple[np.ndarray, ...]] = OrderedDict()
        self._bytes = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return RecentlyUsed, (self.limit,)

    def get(self, key: Hashable, make: Callable[[], tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
        """What is kept under the key, or what `make` returns. Arrays mapped from a file cost nothing and are not kept."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        arrays = make()
        if not all(isinstance(array, np.memmap) for array in arrays):
            self._kept[key] = arrays
            self._bytes += _size(arrays)
            while self._bytes > self.limit:
                self._bytes -= _size(self._kept.popitem(last=False)[1])
        return arrays


class Pictures:
    """Data sets one after the other; pictures are numbered through and resized to `height`, aspect kept."""

    def __init__(self, datasets: Sequence[Dataset], height: int | None, cache: RecentlyUsed) -> None:
        self.datasets, self.height = datasets, height
        self._ends = list(accumulate(map(len, datasets)))
        self._cache = cache

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def image(self, index: int) -> np.ndarray:
        """HxWx3 uint8 RGB. No label is opened."""
        return self._cache.get(('image', id(self), index), lambda: (self._image(index),))[0]

    def labelled(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """image HxWx3 and label HxW."""
        return self._cache.get(('labelled', id(self), index), lambda: self._labelled(index))

    def place(self, index: int) -> tuple[Dataset, int]:
        """The data set that a picture belongs to, and its number there."""
        which = bisect_right(self._ends, index)
        return self.datasets[which], index - (self._ends[which - 1] if which else 0)

    def _image(self, index: int) -> np.ndarray:
        dataset, own = self.place(index)
        image = dataset.image(own)
        return resized_image(image, size_at(image.shape, self.height))

    def _labelled(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        dataset, own = self.place(index)
        sample = dataset[own]
        size = size_at(sample.image.shape, self.height)
        return resized_image(sample.image, size), resized_label(sample.label, size)


def _size(arrays: tuple[np.ndarray, ...]) -> int:
    return sum(array.nbytes for array in arrays)
