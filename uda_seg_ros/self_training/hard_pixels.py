"""Pixel weights by the student's own difficulty, within each image: BKD's image-wise hard pixel mining.

No class is counted, and an image of easy road cannot drown one of hard rare classes. RECONSTRUCTED: of the paper (Wang and
Li, IROS 2022) only the abstract is known. No weight carries a gradient, and in each image they have mean 1 over the valid
pixels and are 0 elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from ..config import ConfigError
from ..labels import IGNORE


@dataclass(frozen=True)
class HardPixels:
    """on: where pixels are weighted. start: first step that is. mining: weigh by difficulty, or keep only the hardest.

    gamma: exponent of the difficulty, 0 weighs all alike. clip: least and greatest weight before the mean is made 1.
    share: of pixels that stay with mining 'hardest', reached linearly from all of them in `anneal` steps.
    """

    on: Literal['none', 'source', 'both'] = 'none'
    start: int = 5000
    mining: Literal['weights', 'hardest'] = 'weights'
    gamma: float = 1.0
    clip: tuple[float, float] = (0.25, 4.0)
    share: float = 0.5
    anneal: int = 20_000

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or self.gamma < 0 or not 0 < self.clip[0] <= 1 <= self.clip[1]:
            raise ConfigError('share must be within 0 to 1, gamma 0 or more, and clip enclose 1')


def difficulty(logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """BHW in 0..1: 1 - the probability of the label; of no meaning on IGNORE. logits BCHW."""
    known = label.where(label != IGNORE, 0)
    return 1 - logits.detach().float().softmax(1).gather(1, known[:, None])[:, 0]


def weigh(difficulty: torch.Tensor, valid_mask: torch.Tensor, settings: HardPixels, step: int,
          domain: Literal['source', 'target'], confidence: torch.Tensor | None = None) -> torch.Tensor:
    """pixel_weight BHW as the settings say; all valid pixels weigh 1 in a domain or at a step that they leave out.

    confidence: BHW; lowers the weights of hard pixels whose label is a guess.
    """
    if step < settings.start or settings.on == 'none' or (settings.on, domain) == ('source', 'target'):
        return valid_mask.to(difficulty.dtype)
    if settings.mining == 'weights':
        weight = weights(difficulty, valid_mask, settings.gamma, settings.clip)
    else:
        done = min(1.0, (step - settings.start) / max(settings.anneal, 1))
        weight = hardest(difficulty, valid_mask, 1 - (1 - settings.share) * done)
    return weight if confidence is None else mean_one(weight * confidence, valid_mask)


def weights(difficulty: torch.Tensor, valid_mask: torch.Tensor, gamma: float = 1.0,
            clip: tuple[float, float] = (0.25, 4.0)) -> torch.Tensor:
    """difficulty ** gamma over its mean in the image, clipped."""
    return mean_one(mean_one(difficulty ** gamma, valid_mask).clamp(*clip), valid_mask)


def hardest(difficulty: torch.Tensor, valid_mask: torch.Tensor, share: float) -> torch.Tensor:
    """1 / share on the hardest `share` of each image's valid pixels."""
    order = difficulty.masked_fill(~valid_mask, -1.0).flatten(1).argsort(1, descending=True)
    wanted = (valid_mask.flatten(1).sum(1, keepdim=True) * share).ceil()
    kept = (order.argsort(1) < wanted).view_as(valid_mask)
    return mean_one(kept.to(difficulty.dtype), valid_mask)


def mean_one(pixel_weight: torch.Tensor, valid_mask: torch.Tensor) -> torch.Tensor:
    """Divided by its mean over the valid pixels of each image; 0 elsewhere, and in an image that has none."""
    weight = pixel_weight * valid_mask
    mean = weight.sum((1, 2), keepdim=True) / valid_mask.sum((1, 2), keepdim=True).clamp(min=1)
    return weight / mean.clamp(min=1e-12)
