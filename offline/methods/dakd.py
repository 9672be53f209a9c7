"""DAKD: an adapted, frozen teacher teaches a student on source and target while the student is adapted adversarially.

Kothandaraman et al., WACV-W 2021, arXiv 2011.08007. On each domain: KL(T || S) at head 2 and 0.1 of it at head 1, squared
difference of log-probs at head 1, cross-entropy with the teacher's argmax at head 2; beside them all of dakd_adapt. The
released KL term is no KL (log-probs where probs are expected); ours is, per pixel, so its weight was chosen anew. That the
adversarial loss stays on in paradigms a, b and d, as in the released c, is our choice. Paradigm d is a chain of stages:

    - {name: adapt, method: dakd_adapt, steps: 100000, networks: {student: drn_d_38}}
    - {name: both, method: dakd, steps: 50000, config: {paradigm: c},
       init: {teacher: adapt.student, teacher_auxiliary: adapt.student_auxiliary}}
    - {name: target, method: dakd, steps: 50000, config: {paradigm: b},
       init: {teacher: adapt.student, teacher_auxiliary: adapt.student_auxiliary, student: previous.student,
              student_auxiliary: previous.student_auxiliary, discriminators: previous.discriminators}}
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import nn
from torch.nn import functional

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.config import ConfigError
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.self_training.losses import kl_map_of_log_probs, log_probs, negative_log_likelihood

from ..parts.adversarial import Adaptation, adaptation_losses
from ..parts.auxiliary_head import AuxiliaryHead, Heads, two_heads
from ..parts.discriminator import Discriminators, optimiser_groups
from ..samples import Batch
from .base import FROZEN, TRAINED, Method


class DAKD(Method):
    """Parts: student, teacher, head 1 of each ('student_auxiliary', 'teacher_auxiliary'), and 'discriminators'."""

    ROLES: ClassVar[Mapping[str, str]] = {'student': TRAINED, 'teacher': FROZEN}

    @dataclass(frozen=True)
    class Config:
        """paradigm: the teacher is listened to on source (a), on target (b) or on both (c).

        levels: 'both' heads, or 'output' for a teacher whose head 1 was never trained, such as any published network.
        kl: 0.1 to 1 on the per-pixel KL. pseudo_label_on_source: off for a weak teacher, whose errors contradict the
        ground truth there. target: weight of all of the target's distillation. teacher_feature: as adaptation.feature.
        """

        paradigm: Literal['a', 'b', 'c'] = 'c'
        levels: Literal['both', 'output'] = 'both'
        kl: float = 0.1
        mse: float = 0.01
        pseudo_label: float = 1.0
        pseudo_label_on_source: bool = True
        target: float = 1.0
        teacher_feature: int | None = None
        adaptation: Adaptation = field(default_factory=Adaptation)

    def __init__(self, networks: Mapping[str, SegmentationModel], config: Any, preprocess: Preprocess) -> None:
        super().__init__(networks, config, preprocess)
        self.student_auxiliary = AuxiliaryHead(self.student, config.adaptation.feature)
        self.teacher_auxiliary = AuxiliaryHead(networks['teacher'], config.teacher_feature).requires_grad_(False).eval()
        self.frozen.append(self.teacher_auxiliary)
        self.discriminators = Discriminators(self.num_classes, 2, config.adaptation.discriminator_width)

    def check_start(self, started: Collection[str]) -> None:
        """The teacher's head 1 is never trained here."""
        self._check_teacher('teacher_auxiliary' in started)

    def prepare(self, target: Iterable[torch.Tensor]) -> None:
        """Raises ConfigError if the student were to be taught by a head of random weights."""
        self._check_teacher(bool(self.teacher_auxiliary.trained))

    def _check_teacher(self, trained: bool) -> None:
        if self.config.levels == 'both' and not trained:
            raise ConfigError("dakd: the teacher's head 1 was never trained; start it from an adapted one "
                              '(init: {teacher_auxiliary: previous.student_auxiliary}), or set levels: output')

    def forward(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        source, target = self._student_heads(batch.source_image), self._student_heads(batch.target_image)
        self.watch = {'source_image': batch.source_image, 'source_label': batch.source_label,
                      'target_image': batch.target_image, 'student': target[1].detach()}
        losses = adaptation_losses(source, batch.source_label, target, self.discriminators, self.config.adaptation)
        if self.config.paradigm != 'b':
            use_label = self.config.pseudo_label_on_source
            losses |= self._distil(batch.source_image, source, 'source', 1.0, self.config.pseudo_label * use_label)
        if self.config.paradigm != 'a':
            weight = self.config.target
            losses |= self._distil(batch.target_image, target, 'target', weight, self.config.pseudo_label * weight)
        return losses

    def _distil(self, image: torch.Tensor, student: Heads, domain: str, weight: float,
                pseudo_label: float) -> dict[str, torch.Tensor]:
        """What the teacher says of one domain's images, as losses named after the domain. student: log-probs."""
        config, (inner, outer) = self.config, self._teacher_heads(image)
        label = outer.max(1).indices  # several times as fast as argmax on a CPU
        self.watch[f'{domain}_pseudo_label'] = label
        divergence = kl_map_of_log_probs(log_probs(outer), student[1]).mean()
        losses = {f'pseudo_label_{domain}': pseudo_label * negative_log_likelihood(student[1], label)}
        if config.levels == 'both':
            inner = log_probs(inner)
            divergence = divergence + config.adaptation.auxiliary * kl_map_of_log_probs(inner, student[0]).mean()
            losses[f'mse_{domain}'] = weight * config.mse * functional.mse_loss(student[0], inner)
        return {f'kl_{domain}': weight * config.kl * divergence, **losses}

    def _student_heads(self, image: torch.Tensor) -> Heads:
        """Log-probs: softmax over full-size logits is dear, and all losses share it."""
        inner, outer = two_heads(self.student, self.student_auxiliary, self.normalise(image), tuple(image.shape[-2:]))
        return log_probs(inner), log_probs(outer)

    @torch.no_grad()
    def _teacher_heads(self, image: torch.Tensor) -> Heads:
        """Logits."""
        return two_heads(self.networks['teacher'], self.teacher_auxiliary, self.normalise(image), tuple(image.shape[-2:]))

    def param_groups(self) -> list[dict[str, Any]]:
        """The discriminators have an optimiser of their own."""
        return optimiser_groups(self)

    def parts(self) -> dict[str, nn.Module]:
        return {**super().parts(), 'student_auxiliary': self.student_auxiliary,
                'teacher_auxiliary': self.teacher_auxiliary, 'discriminators': self.discriminators}
