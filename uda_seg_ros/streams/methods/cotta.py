"""CoTTA with two views: averaged labels where the frozen network is unsure, and weights that now and then fall back.

Wang et al., 2022, arXiv 2203.13591. The paper averages 14 views (7 scales, each flipped); two are what a vehicle may have.
The answer is the averaged label, as there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...self_training.ema import Average, EMATeacher
from ...self_training.losses import soft_cross_entropy
from ...structures import Frame
from .base import Answer, Learner, Setting, step


class CoTTA:
    """All weights learn; the teacher's label answers."""

    @dataclass(frozen=True)
    class Config:
        """lr: of Adam. decay: of the teacher. sure: confidence of the frozen network above which one view will do.

        restore: share of the weights that become the source's again after a step.
        """

        lr: float = 7.5e-6
        decay: float = 0.999
        sure: float = 0.69
        restore: float = 0.01

    def __init__(self, setting: Setting, config: Config = Config()) -> None:
        self._learner, self._config = Learner(setting), config
        self._anchor = Learner(setting).network
        self._network = self._learner.network.requires_grad_(True)
        self._teacher = EMATeacher(self._network, Average(config.decay))
        self._optimiser = torch.optim.Adam(self._network.parameters(), lr=config.lr)
        self._draws = torch.Generator(self._learner.device).manual_seed(setting.seed)

    def __call__(self, frame: Frame, index: int) -> Answer:
        image = self._learner.image(frame.image)
        probs = self._label(image)
        step(soft_cross_entropy(probs, self._network(image)), self._optimiser)
        self._teacher.update(self._network, index + 1)
        self._restore()
        return Answer(self._learner.mask(probs.clamp(min=1e-8).log(), frame), forwards=6)

    @torch.no_grad()
    def _label(self, image: torch.Tensor) -> torch.Tensor:
        """Probs 1xCxhxw: of one view where the anchor is sure, else the mean of both."""
        plain = self._teacher(image).softmax(1)
        flipped = self._teacher(image.flip(3)).flip(3).softmax(1)
        sure = self._anchor(image).softmax(1).amax(1, keepdim=True) > self._config.sure
        return torch.where(sure, plain, (plain + flipped) / 2)

    @torch.no_grad()
    def _restore(self) -> None:
        for own, source in zip(self._network.parameters(), self._anchor.parameters()):
            chosen = torch.rand(own.shape, generator=self._draws, device=own.device) < self._config.restore
            own.copy_(torch.where(chosen, source, own))
