"""Adversarial adaptation of one network at two heads: DAKD's first stage, its teacher and its undistilled baseline.

Kothandaraman et al., WACV-W 2021, arXiv 2011.08007, after AdaptSegNet. Per step, with head 1 inside, head 2 at the end:
CE(p2_s, y) + 0.1 CE(p1_s, y) + 0.0002 BCE(D1(P1_t), source) + 0.001 BCE(D2(P2_t), source), and each discriminator's
1/2 [BCE(D(P_s), source) + BCE(D(P_t), target)].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.self_training.losses import log_probs

from ..parts.adversarial import Adaptation, adaptation_losses
from ..parts.auxiliary_head import AuxiliaryHead, Heads, two_heads
from ..parts.discriminator import Discriminators, optimiser_groups
from ..samples import Batch
from .base import Method


class DAKDAdapt(Method):
    """Parts: the student, its head 1 'student_auxiliary', and 'discriminators'."""

    @dataclass(frozen=True)
    class Config:
        """adaptation: weights of the losses, and where head 1 sits."""

        adaptation: Adaptation = field(default_factory=Adaptation)

    def __init__(self, networks: Mapping[str, SegmentationModel], config: Any, preprocess: Preprocess) -> None:
        super().__init__(networks, config, preprocess)
        self.student_auxiliary = AuxiliaryHead(self.student, config.adaptation.feature)
        self.discriminators = Discriminators(self.num_classes, 2, config.adaptation.discriminator_width)

    def forward(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        source, target = self._heads(batch.source_image), self._heads(batch.target_image)
        self.watch = {'source_image': batch.source_image, 'source_label': batch.source_label,
                      'target_image': batch.target_image, 'student': target[1].detach()}
        return adaptation_losses(source, batch.source_label, target, self.discriminators, self.config.adaptation)

    def _heads(self, image: torch.Tensor) -> Heads:
        """Log-probs of head 1 and of head 2."""
        inner, outer = two_heads(self.student, self.student_auxiliary, self.normalise(image), tuple(image.shape[-2:]))
        return log_probs(inner), log_probs(outer)

    def param_groups(self) -> list[dict[str, Any]]:
        """The discriminators have an optimiser of their own."""
        return optimiser_groups(self)

    def parts(self) -> dict[str, nn.Module]:
        return {**super().parts(), 'student_auxiliary': self.student_auxiliary, 'discriminators': self.discriminators}
