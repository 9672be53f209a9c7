"""Confusion matrix and intersection over union."""

from __future__ import annotations

import numpy as np


def confusion(label: np.ndarray, mask: np.ndarray, num_classes: int) -> np.ndarray:
    """Count pixels: Cx(C+1) int64, rows are labels, columns are predictions, the last column is 'no class'.

    label, mask: HxW uint8 train ids. Pixels labelled IGNORE do not count. A prediction of IGNORE (or of no class) on a
    labelled pixel is a miss: it falls into the last column.
    """
    valid = label < num_classes
    predicted = np.minimum(mask[valid], num_classes).astype(np.int64)
    index = label[valid].astype(np.int64) * (num_classes + 1) + predicted
    return np.bincount(index, minlength=num_classes * (num_classes + 1)).reshape(num_classes, num_classes + 1)


def iou(matrix: np.ndarray) -> np.ndarray:
    """C float64 in 0..1: intersection over union of each class, NaN for a class that neither has pixels nor is predicted."""
    num_classes = matrix.shape[0]
    hit = np.diagonal(matrix).astype(np.float64)
    union = matrix.sum(axis=1) + matrix[:, :num_classes].sum(axis=0) - hit
    return np.divide(hit, union, out=np.full(num_classes, np.nan), where=union > 0)


def mean_iou(matrix: np.ndarray) -> float:
    """Mean in 0..1 over the classes that the labels contain; NaN without labels.

    A class that is predicted but never labelled costs the classes it was taken from, not the mean itself.
    """
    present = matrix.sum(axis=1) > 0
    return float(iou(matrix)[present].mean()) if present.any() else float('nan')
