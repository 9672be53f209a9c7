"""Confusion matrix, intersection over union, calibration."""

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


def pixel_accuracy(matrix: np.ndarray) -> float:
    """Share in 0..1 of labelled pixels that are right; NaN without labels."""
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total else float('nan')


def reliability(label: np.ndarray, mask: np.ndarray, confidence: np.ndarray, num_classes: int) -> np.ndarray:
    """Count pixels by confidence: 256x2 int64, all labelled pixels of each confidence, and those of them that are right.

    label, mask: HxW uint8 train ids. confidence: HxW uint8, 255 is certain. Pixels labelled IGNORE do not count. Counts of
    frames add up.
    """
    valid = label < num_classes
    level, right = confidence[valid], label[valid] == mask[valid]
    return np.stack([np.bincount(each, minlength=256) for each in (level, level[right])], axis=1)


def reliability_bins(counts: np.ndarray, num_bins: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(confidence, accuracy, share) of `num_bins` float64 each, in 0..1: the reliability diagram of `reliability`'s counts.

    The bins are as wide as each other and hold their upper bound, so that the last holds 1 (Guo et al., 2017, arXiv
    1706.04599). confidence and accuracy are means over a bin's pixels, NaN where it has none.
    """
    level = np.arange(256)
    place = np.maximum((level * num_bins + 254) // 255 - 1, 0)
    total, right, confidence = (np.bincount(place, weights, num_bins)
                                for weights in (counts[:, 0], counts[:, 1], counts[:, 0] * level / 255))
    empty = np.full(num_bins, np.nan)
    mean = [np.divide(values, total, out=empty.copy(), where=total > 0) for values in (confidence, right)]
    return mean[0], mean[1], total / max(1, total.sum())


def calibration_error(counts: np.ndarray, num_bins: int = 15) -> float:
    """Expected calibration error in 0..1: mean distance of confidence and accuracy over the bins, by their pixels.

    counts: of `reliability`. NaN without labels. Guo et al., 2017, eq. 3.
    """
    if not counts[:, 0].any():
        return float('nan')
    confidence, accuracy, share = reliability_bins(counts, num_bins)
    return float(np.nansum(share * np.abs(confidence - accuracy)))
