"""Supervised losses on logits BCHW and label BHW int64 train ids, where IGNORE marks pixels that do not count."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from uda_seg_ros.labels import IGNORE


def class_weights(labels: np.ndarray, num_classes: int, balance: float, heaviest: float) -> torch.Tensor:
    """C float: (share of pixels) ** -balance, 1 for the most frequent class, at most `heaviest`.

    labels: uint8 train ids of any shape. A class without pixels weighs 1.
    """
    counts = sum(np.bincount(label.ravel(), minlength=256) for label in labels)[:num_classes]
    weights = (np.maximum(counts, 1) / counts.max()) ** -balance
    return torch.tensor(np.where(counts > 0, np.minimum(weights, heaviest), 1.0), dtype=torch.float32)


def cross_entropy(logits: torch.Tensor, label: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean over the labelled pixels, each weighted by its class."""
    return functional.cross_entropy(logits, label, weights, ignore_index=IGNORE)


def dice(logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """1 - soft Dice coefficient, mean over the classes that the batch's labels contain: every class counts the same."""
    valid = label != IGNORE
    probs = logits.softmax(1) * valid[:, None]
    target = functional.one_hot(label.where(valid, 0), logits.shape[1]).movedim(-1, 1) * valid[:, None]
    both = (probs * target).sum((0, 2, 3))
    pixels = target.sum((0, 2, 3))
    coefficient = 2 * both / (probs.sum((0, 2, 3)) + pixels + 1)
    return 1 - coefficient[pixels > 0].mean()
