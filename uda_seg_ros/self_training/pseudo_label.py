"""Labels that a teacher gives, and how far to trust them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from ..labels import IGNORE

THRESHOLD = 0.968  # of DACS and DAFormer


def pseudo_label(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(pseudo_label BHW int64, confidence BHW float in 0..1): the most probable class of a pixel, and its probability."""
    confidence, label = logits.float().softmax(1).max(1)
    return label, confidence


def ensemble(logits: Sequence[torch.Tensor]) -> torch.Tensor:
    """Mean probs BCHW of several teachers' logits of one size."""
    return torch.stack([each.float().softmax(1) for each in logits]).mean(0)


def confident_share(confidence: torch.Tensor, threshold: float = THRESHOLD,
                    per: Literal['batch', 'image'] = 'batch') -> torch.Tensor:
    """q: share of pixels of at least this confidence, over the whole batch (DAFormer) or each image (DACS). B11 float."""
    confident = (confidence >= threshold).float()
    if per == 'batch':
        return confident.mean().expand(len(confidence))[:, None, None]
    return confident.mean((1, 2), keepdim=True)


def consensus(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """`first` where both label maps agree, else IGNORE: DiGA's bilateral consensus, without a threshold."""
    return torch.where(first == second, first, IGNORE)


def clear_borders(pixel_weight: torch.Tensor, top: int = 0, bottom: int = 0, left: int = 0, right: int = 0) -> torch.Tensor:
    """A copy with weight 0 on the outermost rows and columns: the vehicle's hood, what rectification left."""
    weight = pixel_weight.clone()
    height, width = weight.shape[-2:]
    weight[..., :top, :] = 0
    weight[..., max(0, height - bottom):, :] = 0
    weight[..., :left] = 0
    weight[..., max(0, width - right):] = 0
    return weight
