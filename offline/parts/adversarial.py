"""Adversarial adaptation of a network at two heads, as a set of losses (DAKD, arXiv 2011.08007; AdaptSegNet, 1802.10349)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from uda_seg_ros.self_training.losses import negative_log_likelihood

from .auxiliary_head import Heads
from .discriminator import Discriminators, probability_map


@dataclass(frozen=True)
class Adaptation:
    """auxiliary: weight of head 1 beside head 2's 1. adversarial: weights of the adversarial loss at head 1 and head 2.

    feature: which of the student's features head 1 sits on, None is the network's own. discriminator_width: channels of
    a discriminator's first convolution; fewer for small pictures on a small machine.
    """

    auxiliary: float = 0.1
    adversarial: tuple[float, float] = (0.0002, 0.001)
    feature: int | None = None
    discriminator_width: int = 64

    def __post_init__(self) -> None:
        if self.discriminator_width < 1:
            raise ValueError(f'discriminator_width must be 1 or more, got {self.discriminator_width}')


def adaptation_losses(source: Heads, label: torch.Tensor, target: Heads, discriminators: Discriminators,
                      settings: Adaptation) -> dict[str, torch.Tensor]:
    """'source' (supervised), 'adversarial' (the network's side) and 'discriminator' (the other side).

    source, target: log-probs of both heads BCHW. label: BHW of the source; pixels of IGNORE are left out.
    """
    inner, outer = (negative_log_likelihood(head, label, normalise='valid') for head in source)
    source_maps, target_maps = ([probability_map(head) for head in heads] for heads in (source, target))
    return {'source': outer + settings.auxiliary * inner,
            'adversarial': discriminators.fooling_loss(target_maps, settings.adversarial),
            'discriminator': discriminators.domain_loss(source_maps, target_maps)}
