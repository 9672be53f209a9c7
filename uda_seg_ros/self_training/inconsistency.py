"""How differently teacher and student see each class, and class weights from it, for DUDA's second stage.

RECONSTRUCTED: the paper (arXiv 2504.09814) is known to weight classes by an inconsistency that favours poorly adapted
ones; that it is one minus the IoU of the two label maps, and both ways from there to a weight, are our choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import distributed, nn


@dataclass(frozen=True)
class Weighting:
    """kind: 'relative' to the mean inconsistency, clipped to least and most; 'softmax' of inconsistency / temperature,
    times the number of classes; or 'none', all weights 1."""

    kind: Literal['relative', 'softmax', 'none'] = 'relative'
    least: float = 0.5
    most: float = 3.0
    temperature: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.least <= 1 <= self.most or self.temperature <= 0:
            raise ValueError('least must be within 0 to 1, most 1 or more, temperature above 0')


class Inconsistency(nn.Module):
    """agreed, claimed: C int64, the pixels that both networks and that either of them gave to a class. weight: C float."""

    def __init__(self, num_classes: int, weighting: Weighting) -> None:
        super().__init__()
        self.weighting = weighting
        self.register_buffer('agreed', torch.zeros(num_classes, dtype=torch.int64))
        self.register_buffer('claimed', torch.zeros(num_classes, dtype=torch.int64))
        self.register_buffer('weight', torch.ones(num_classes))

    @torch.no_grad()
    def count(self, teacher_label: torch.Tensor, student_label: torch.Tensor) -> None:
        """Add the pixels of two label maps of one shape, int64 without IGNORE, of all processes.

        They are exchanged at once, so that a checkpoint, which one process writes, holds what all have counted.
        """
        teacher, student = teacher_label.flatten(), student_label.flatten()
        same = (teacher == student).long()
        counted = self.agreed.new_zeros(2, len(self.agreed))
        counted[0].scatter_add_(0, teacher, same)
        counted[1].scatter_add_(0, teacher, torch.ones_like(same))
        counted[1].scatter_add_(0, student, 1 - same)
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(counted)
        self.agreed += counted[0]
        self.claimed += counted[1]

    def per_class(self) -> torch.Tensor:
        """I_c = 1 - IoU of the two networks, C float. A class that neither has seen gets the mean of the others."""
        seen = self.claimed > 0
        value = torch.where(seen, 1 - self.agreed / self.claimed.clamp(min=1), 0.0)
        return torch.where(seen, value, value.sum() / seen.sum().clamp(min=1))

    @torch.no_grad()
    def refresh(self) -> None:
        """Weights from what was counted; counting starts anew."""
        self.weight.copy_(class_weights(self.per_class(), self.weighting))
        self.agreed.zero_()
        self.claimed.zero_()


def class_weights(inconsistency: torch.Tensor, weighting: Weighting) -> torch.Tensor:
    """w_c, C float. Where no class is inconsistent all are 1."""
    if weighting.kind == 'none':
        return torch.ones_like(inconsistency)
    if weighting.kind == 'softmax':
        return len(inconsistency) * (inconsistency / weighting.temperature).softmax(0)
    mean = inconsistency.mean()
    relative = torch.where(mean > 0, inconsistency / mean.clamp(min=1e-12), 1.0)
    return relative.clamp(weighting.least, weighting.most)
