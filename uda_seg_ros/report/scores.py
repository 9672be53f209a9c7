"""Masks against labels, segment by segment."""

from __future__ import annotations

import cv2
import numpy as np

from ..labels import LabelSpace, mapping
from ..metrics import confusion, iou, mean_iou


class Scores:
    """Counts pixels of masks against labels. Masks are brought to the labels' classes before they are compared.

    masks, labels: the label spaces the two are in.
    """

    def __init__(self, masks: LabelSpace, labels: LabelSpace) -> None:
        self.labels = labels
        self._lookup = mapping(masks, labels)
        self._matrices: dict[str, np.ndarray] = {}
        self.frames: dict[str, int] = {}

    def add(self, segment: str, label: np.ndarray, mask: np.ndarray) -> float:
        """Count one frame and return its own mIoU in percent, NaN if nothing is labelled.

        label, mask: HxW uint8 train ids of their label spaces; a mask of another size is brought to the label's by nearest
        neighbour.
        """
        if mask.shape != label.shape:
            mask = cv2.resize(mask, label.shape[::-1], interpolation=cv2.INTER_NEAREST)
        matrix = confusion(label, self._lookup[mask], self.labels.num_classes)
        self._matrices[segment] = self._matrices.get(segment, 0) + matrix
        self.frames[segment] = self.frames.get(segment, 0) + 1
        return 100 * mean_iou(matrix)

    def miou(self) -> dict[str, float]:
        """mIoU in percent of each segment."""
        return {segment: 100 * mean_iou(matrix) for segment, matrix in self._matrices.items()}

    def miou_of_all(self) -> float:
        """mIoU in percent of the whole drive; NaN without labels."""
        return 100 * mean_iou(sum(self._matrices.values())) if self._matrices else float('nan')

    def iou(self) -> dict[str, dict[str, float]]:
        """IoU in percent of each class that is labelled somewhere in the segment, by segment."""
        return {segment: {name: 100 * float(value) for name, value, count
                          in zip(self.labels.names, iou(matrix), matrix.sum(axis=1)) if count}
                for segment, matrix in self._matrices.items()}
