"""Rare-class sampling (DAFormer, CVPR 2022, section 3.2): first a class is drawn, then a picture that has it."""

from __future__ import annotations

import numpy as np

NEEDED_PX = 1500  # of the class in a crop of 512x512: 3000 * 0.5 in the authors' code; by area also theirs at 1024x1024
CROP_PX = 512 * 512


class RareClasses:
    """Draws (class, picture), P(class) = softmax((1 - its share of pixels) / temperature) over the classes there are.

    A picture has a class if it holds more pixels of it, at the size crops are cut from, than `needed`, which is what a crop
    shall hold too [OUR CHOICE: the authors' 3000 pixels count at the size of GTA5's files, and come to about the same]. If
    no picture has so many, those with more than half of the most that one has are taken.
    """

    def __init__(self, pixels: np.ndarray, temperature: float, crop: tuple[int, int]) -> None:
        """pixels: NxC, of each class in each picture at the size crops are cut from. crop: (height, width)."""
        self.needed = NEEDED_PX * crop[0] * crop[1] / CROP_PX
        present = pixels.sum(0) > 0
        self.classes = np.flatnonzero(present)
        share = pixels.sum(0)[present] / pixels.sum()
        weight = np.exp((share.min() - share) / temperature)
        self.probabilities = weight / weight.sum()
        self._pictures = [np.flatnonzero(column > min(self.needed, column.max() / 2)) for column in pixels.T[present]]

    def draw(self, random: np.random.Generator) -> tuple[int, int]:
        """(train id, number of the picture)."""
        place = random.choice(len(self.classes), p=self.probabilities)
        return int(self.classes[place]), int(random.choice(self._pictures[place]))
