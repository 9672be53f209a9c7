"""Adversarial adaptation: discriminators learn to tell the domains apart, the network learns to fool them.

Source: AdaptSegNet, Tsai et al., 2018, arXiv 1802.10349; a map of class probabilities is all that a discriminator sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

SMALLEST = 32  # pixels a side; smaller maps are enlarged to it
SOURCE, TARGET = 0.0, 1.0


class Discriminator(nn.Module):
    """probs BCHW -> logits B1hw at 1/32, above 0 where the map looks like target. No sigmoid at the end.

    width: channels of the first of the five convolutions; the next three have 2, 4 and 8 times as many.
    """

    def __init__(self, num_classes: int, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = (num_classes, width, 2 * width, 4 * width, 8 * width, 1)
        for inputs, outputs in pairwise(channels):
            layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, probs: torch.Tensor) -> torch.Tensor:
        size = tuple(max(side, SMALLEST) for side in probs.shape[-2:])
        if size != tuple(probs.shape[-2:]):
            probs = functional.interpolate(probs, size, mode='bilinear', align_corners=False)
        return self.layers(probs)


class Discriminators(nn.ModuleList):
    """One discriminator a head. All losses of a step are minimised together: each side is cut off from the other's."""

    def __init__(self, num_classes: int, num_heads: int, width: int = 64) -> None:
        super().__init__(Discriminator(num_classes, width) for _ in range(num_heads))

    def fooling_loss(self, target: Sequence[torch.Tensor], weights: Sequence[float]) -> torch.Tensor:
        """sum of weight * BCE(D(P_t), source) over the heads' probs BCHW; leaves no gradient on the discriminators."""
        losses = []
        for discriminator, probs, weight in zip(self, target, weights):
            fixed = {name: parameter.detach() for name, parameter in discriminator.named_parameters()}
            verdict = functional_call(discriminator, fixed, (probs,))
            losses.append(weight * _domain_loss(verdict, SOURCE))
        return torch.stack(losses).sum()

    def domain_loss(self, source: Sequence[torch.Tensor], target: Sequence[torch.Tensor]) -> torch.Tensor:
        """sum of 1/2 [BCE(D(P_s), source) + BCE(D(P_t), target)] over the heads; leaves no gradient on the network."""
        losses = []
        for discriminator, *maps in zip(self, source, target):
            losses += [_domain_loss(discriminator(probs.detach()), domain) / 2
                       for probs, domain in zip(maps, (SOURCE, TARGET))]
        return torch.stack(losses).sum()


def optimiser_groups(method: nn.Module) -> list[dict[str, Any]]:
    """Method.param_groups of a method with `discriminators`: those have an optimiser of their own."""
    groups: dict[str, list] = {'main': [], 'discriminator': []}
    for name, parameter in method.named_parameters():
        if parameter.requires_grad:
            groups['discriminator' if name.startswith('discriminators.') else 'main'].append((name, parameter))
    return [{'params': named, 'optimiser': optimiser} for optimiser, named in groups.items()]


def probability_map(log_probs: torch.Tensor) -> torch.Tensor:
    """What a discriminator sees, BCHW; channels last, for which its convolutions take a third less time."""
    return log_probs.exp().contiguous(memory_format=torch.channels_last)


def _domain_loss(verdict: torch.Tensor, domain: float) -> torch.Tensor:
    verdict = verdict.float()
    return functional.binary_cross_entropy_with_logits(verdict, torch.full_like(verdict, domain))
