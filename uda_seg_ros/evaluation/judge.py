"""Masks against labels, in the smaller of the two label spaces."""

from __future__ import annotations

import cv2
import numpy as np

from ..labels import IGNORE, LabelSpace, mapping
from ..metrics import confusion


class Judge:
    """space: in which the two are compared."""

    def __init__(self, masks: LabelSpace, labels: LabelSpace) -> None:
        self.space = min(labels, masks, key=lambda space: space.num_classes)
        self._masks, self._labels = mapping(masks, self.space), mapping(labels, self.space)

    def label(self, label: np.ndarray) -> np.ndarray:
        """HxW uint8 train ids of `space`."""
        return self._labels[label]

    def __call__(self, label: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Cx(C+1) int64 as metrics.confusion. label: of `space`; a mask of another size is brought to its size."""
        if mask.shape != label.shape:
            mask = cv2.resize(mask, label.shape[::-1], interpolation=cv2.INTER_NEAREST)
        return confusion(label, self._masks[mask], self.space.num_classes)


def sparse(matrix: np.ndarray) -> list[list[int]]:
    """[label, prediction, pixels] of each entry above 0; a prediction of no class is the number of classes."""
    return [[int(row), int(column), int(matrix[row, column])] for row, column in np.argwhere(matrix)]


def dense(entries: list[list[int]], num_classes: int) -> np.ndarray:
    """The Cx(C+1) matrix again."""
    matrix = np.zeros((num_classes, num_classes + 1), np.int64)
    for row, column, number in entries:
        matrix[row, column] = number
    return matrix


def histogram(mask: np.ndarray) -> dict[str, int]:
    """Pixels of each train id that the mask holds; IGNORE among them where pixels were left without a class."""
    numbers = np.bincount(mask.reshape(-1), minlength=IGNORE + 1)
    return {str(train_id): int(numbers[train_id]) for train_id in np.flatnonzero(numbers)}
