"""Choose labelled source crops for the vehicle: every class in as many of them as there are pictures of it to be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from uda_seg_ros.replay import Crop

from ..datasets import Dataset
from ..loading.crops import resized_image, resized_label

PRESENT = 0.001  # a class is in a crop from this share of its pixels on
Resize = Callable[[np.ndarray, tuple[int, int]], np.ndarray]


class Place(NamedTuple):
    """A crop that has not been cut yet. number: of the picture in `Pictures`. shift: 0..1, where it lies along a side."""

    number: int
    shift: tuple[float, float]


@dataclass(frozen=True)
class Pictures:
    """Several labelled data sets as one."""

    datasets: tuple[Dataset, ...]

    def __len__(self) -> int:
        return sum(map(len, self.datasets))

    def find(self, number: int) -> tuple[Dataset, int]:
        """The data set of a picture, and its index there."""
        for dataset in self.datasets:
            if number < len(dataset):
                return dataset, number
            number -= len(dataset)
        raise IndexError(number)


def spread(count: int, most: int, rng: np.random.Generator) -> list[int]:
    """Up to `most` of 0..count-1, at random, ascending."""
    return sorted(rng.choice(count, min(count, most), replace=False).tolist())


def candidates(numbers: Sequence[int], rng: np.random.Generator) -> list[Place]:
    """One crop of each picture, at a random place."""
    return [Place(number, tuple(rng.random(2).tolist())) for number in numbers]


def choose(pictures: Pictures, places: Sequence[Place], size: tuple[int, int], num_classes: int, count: int,
           rng: np.random.Generator, title: str = '') -> list[Place]:
    """Up to `count` of the places, balanced; only labels are read. size: of crops. title: of the progress bar."""
    present = np.zeros((len(places), num_classes), bool)
    for row, place in enumerate(tqdm(places, desc=title, unit=' labels', disable=not title)):
        dataset, index = pictures.find(place.number)
        pixels = np.bincount(cut(dataset.label(index), size, place.shift, resized_label).reshape(-1), minlength=256)
        present[row] = pixels[:num_classes] >= PRESENT * size[0] * size[1]
    return [places[row] for row in balanced(present, count, rng)]


def balanced(present: np.ndarray, count: int, rng: np.random.Generator) -> list[int]:
    """Rows of NxC bool (which crop shows which class), in the order of choice; any beginning of it is balanced, too.

    Each pick is a random crop with the class that fewest of the chosen show; among equals the one that fewest crops have.
    """
    left = rng.permutation(len(present))
    tally, rarity, chosen = np.zeros(present.shape[1], int), present.sum(axis=0), []
    while len(chosen) < count and len(left):
        possible = np.flatnonzero(present[left].any(axis=0))
        if len(possible):
            wanted = possible[np.lexsort((rarity[possible], tally[possible]))[0]]
            pick = int(np.argmax(present[left, wanted]))
        else:
            pick = 0
        chosen.append(int(left[pick]))
        tally += present[left[pick]]
        left = np.delete(left, pick)
    return chosen


def crops(pictures: Pictures, places: Sequence[Place], size: tuple[int, int], title: str = '') -> Iterator[Crop]:
    """Cut them, one by one."""
    for place in tqdm(places, desc=title, unit=' crops', disable=not title):
        dataset, index = pictures.find(place.number)
        sample = dataset[index]
        yield Crop(cut(sample.image, size, place.shift, resized_image), cut(sample.label, size, place.shift, resized_label))


def cut(picture: np.ndarray, size: tuple[int, int], shift: tuple[float, float], resize: Resize) -> np.ndarray:
    """`size` (height, width) of a picture that is resized to just cover it, as the vehicle resizes.

    shift: 0 is the upper or left end of where the crop can lie, 1 the lower or right one. resize: of crops.py.
    """
    scale = max(wanted / side for wanted, side in zip(size, picture.shape[:2]))
    scaled = tuple(max(wanted, round(side * scale)) for wanted, side in zip(size, picture.shape[:2]))
    top, left = (round(share * (side - wanted)) for share, side, wanted in zip(shift, scaled, size))
    return np.ascontiguousarray(resize(picture, scaled)[top : top + size[0], left : left + size[1]])
