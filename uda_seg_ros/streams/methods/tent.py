"""TENT: the scales of normalising layers follow the gradient of the entropy, frame by frame, for ever.

Wang et al., 2021, arXiv 2006.10726: statistics of the batch, Adam; the answer is that of the pass that is learned from.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...shift_signals import pixel_entropy
from ...structures import Frame
from .base import Answer, Learner, Setting, norm_parameters, step
from .batchnorm import mix_norms


class Tent:
    """Entropy, norms only, no guard."""

    @dataclass(frozen=True)
    class Config:
        """lr: of Adam. share: of the frame's own statistics in BatchNorm."""

        lr: float = 1e-4
        share: float = 1.0

    def __init__(self, setting: Setting, config: Config = Config()) -> None:
        self._learner = Learner(setting)
        network = mix_norms(self._learner.network, config.share)
        self._optimiser = torch.optim.Adam(norm_parameters(network), lr=config.lr)

    def __call__(self, frame: Frame, index: int) -> Answer:
        logits = self._learner.network(self._learner.image(frame.image))
        step(pixel_entropy(logits).mean(), self._optimiser)
        return Answer(self._learner.mask(logits, frame), forwards=3)
