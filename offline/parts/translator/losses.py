"""Losses of the translator (DiGA, arXiv 2304.02222, from the authors' code). Pictures are B3HW in -1..1."""

from __future__ import annotations

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

WINDOW = 5
LAPLACIAN_ABOVE = 0.1


def deceive(discriminator: nn.Module, fake: torch.Tensor) -> torch.Tensor:
    """LSGAN, the translator's side: (D(fake) - 1) ** 2, means summed over the scales. No gradient reaches D."""
    fixed = {name: parameter.detach() for name, parameter in discriminator.named_parameters()}
    return sum((score.float() - 1).square().mean() for score in functional_call(discriminator, fixed, (fake,)))


def discriminate(discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """LSGAN, the discriminator's side: (D(real) - 1) ** 2 + D(fake) ** 2. No gradient reaches the translator."""
    return sum((on_real.float() - 1).square().mean() + on_fake.float().square().mean()
               for on_real, on_fake in zip(discriminator(real), discriminator(fake.detach())))


def label_edges(label: torch.Tensor) -> torch.Tensor:
    """B1HW bool: |5x5 Laplacian of the label map| > 0.1, the kernel's absolute values summing to 1. label: BHW int64."""
    values = label[:, None].float()
    mean = functional.avg_pool2d(functional.pad(values, (WINDOW // 2,) * 4, mode='reflect'), WINDOW, 1)
    area = WINDOW ** 2
    return ((mean - values) * (area / (2 * area - 2))).abs() > LAPLACIAN_ABOVE


def edge_loss(translated: torch.Tensor, image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """L1 on the label's edges, mean over all pixels: keeps the borders of objects where they are."""
    return ((translated - image).abs() * label_edges(label)).mean()
