"""Distance of things' features to those of the first weights, so that what pre-training knew of them is not forgotten.

Source: DAFormer's thing-class feature distance, Hoyer et al., 2022, arXiv 2111.14887, equations 8 to 10.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

SHARE = 0.75  # of a feature's cell of the label that one class must fill


def cells_of(label: torch.Tensor, classes: Sequence[int], size: tuple[int, int], share: float = SHARE) -> torch.Tensor:
    """Bhw bool: cells of the label, as many as `size` (h, w), that one of the classes fills to `share` or more."""
    member = torch.stack([label == train_id for train_id in classes], 1)
    return (functional.adaptive_avg_pool2d(member.float(), size) >= share).any(1)


def feature_distance(features: torch.Tensor, initial: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    """Mean Euclidean distance of the feature vectors over the cells (Bhw bool), 0 where there are none.

    features, initial: BDhw; `initial` is detached here.
    """
    difference = (features.float() - initial.detach().float()) * cells[:, None]
    distance = (difference.square().sum(1) + 1e-12).sqrt() * cells  # sqrt has no gradient at 0
    return distance.sum() / cells.sum().clamp(min=1)
