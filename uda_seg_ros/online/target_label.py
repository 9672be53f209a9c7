"""Which pixels of a target picture teach what: the teacher's classes where it is sure and the frozen network agrees."""

from __future__ import annotations

import torch

LEAST, MOST = 0.6, 0.968  # bounds of a class's threshold
SHARE = 0.4  # quantile of a class's confidences that is its threshold within them
SURER = 0.1  # a teacher that disagrees counts half if it is so much surer than the frozen network
HEAVIEST = 0.4  # most of the whole weight that one class may hold


def target_label(teacher: torch.Tensor, frozen: torch.Tensor, agreement: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    """(pseudo_label BHW int64, pixel_weight BHW float) from probs BCHW of the teacher and of the frozen network.

    agreement: False lets the teacher teach wherever it is sure, whatever the frozen network says. The threshold follows each
    class within each picture, as rare classes are never as sure as the road is.
    """
    confidence, label = teacher.max(1)
    frozen_confidence, frozen_label = frozen.max(1)
    agree = (label == frozen_label) if agreement else torch.ones_like(label, dtype=torch.bool)
    surer = confidence > frozen_confidence + SURER
    weight = torch.where(agree, 1.0, torch.where(surer, 0.5, 0.0)) * (confidence >= _thresholds(confidence, label))
    return label, _capped(weight, label)


def _thresholds(confidence: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """BHW: of each pixel's class in its picture."""
    found = torch.empty_like(confidence)
    for index in range(len(label)):
        for train_id in label[index].unique().tolist():
            mask = label[index] == train_id
            found[index][mask] = confidence[index][mask].quantile(SHARE).clamp(LEAST, MOST)
    return found


def _capped(weight: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """No class holds more than HEAVIEST of what all others and itself weigh together."""
    total = weight.sum()
    sums = torch.bincount(label.flatten(), weight.flatten(), 256)
    most = HEAVIEST / (1 - HEAVIEST) * (total - sums)
    factor = torch.where((sums > most) & (most > 0), most / sums.clamp(min=1e-6), torch.ones_like(sums))
    return weight * factor[label]
