"""DUDA's second stage: the small student alone goes on, taught by frozen teachers, most where it differs from them.

RECONSTRUCTED throughout; never report it as the paper's formula. Of arXiv 2504.09814 it is known that there is a second
stage, that several teachers may teach, and that a class-wise weighting driven by inconsistency favours poorly adapted
classes. Ours: the teachers' mean probs; weights w_c from the two networks' labels of the whole target train set; and

    L = CE_source + CE_mixed + l_inc * mean over the target's pixels of w_[pseudo_label] * KL(probs_T || probs_S)

    - {name: refine, method: duda_refine, steps: 40000, init: {student: previous.student, teacher: previous.teacher}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.self_training.inconsistency import Inconsistency, Weighting
from uda_seg_ros.self_training.losses import cross_entropy, kl
from uda_seg_ros.self_training.pseudo_label import ensemble
from uda_seg_ros.self_training.target_view import View, ViewSettings, masked_view, mixed_view, source_view, target_view

from ..samples import Batch
from .base import FROZEN, TRAINED, Method


class DUDARefine(Method):
    """Parts: the student and its teachers."""

    ROLES: ClassVar[Mapping[str, str]] = {'student': TRAINED, 'teacher': FROZEN}
    OPTIONAL: ClassVar[Mapping[str, str]] = {'teacher_2': FROZEN, 'teacher_3': FROZEN}

    @dataclass(frozen=True)
    class Config(ViewSettings):
        """inconsistency: l_inc, 0 is off. weighting: from inconsistency to w_c.

        recompute: number of steps after which w_c is made anew from the target crops since the last time; 0 leaves them
        as they were before the first step.
        """

        inconsistency: float = 1.0
        weighting: Weighting = field(default_factory=Weighting)
        recompute: int = 0

    def __init__(self, networks: Mapping[str, SegmentationModel], config: Any, preprocess: Preprocess) -> None:
        super().__init__(networks, config, preprocess)
        self.inconsistency = Inconsistency(self.num_classes, config.weighting)

    def prepare(self, target: Iterable[torch.Tensor]) -> None:
        if not self.config.inconsistency or self.config.weighting.kind == 'none':
            return
        for image in target:
            size = tuple(image.shape[-2:])
            student = self.student(self.normalise(image), size)
            self.inconsistency.count(self._teach(image).argmax(1), student.argmax(1))
        self.inconsistency.refresh()

    def forward(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        teacher = self._teach(batch.target_image)
        source = source_view(batch.source_image, batch.source_label)
        target = target_view(batch.target_image, teacher, self.config)
        mixed = mixed_view(source, target, self.config)
        self.watch = {'target_image': target.image, 'pseudo_label': target.label, 'mixed_image': mixed.image,
                      'mixed_label': mixed.label, 'pixel_weight': mixed.pixel_weight}
        losses = {'source': self._learn(source), 'mixed': self._learn(mixed)}
        if self.config.masked.weight:
            losses['masked'] = self.config.masked.weight * self._learn(masked_view(target, self.mean, self.config))
        if self.config.inconsistency:
            losses['inconsistency'] = self.config.inconsistency * self._learn_inconsistent(target, teacher, step)
        return losses

    @torch.no_grad()
    def _teach(self, image: torch.Tensor) -> torch.Tensor:
        """Logits BCHW whose softmax is the mean of the teachers' probs."""
        image, size = self.normalise(image), tuple(image.shape[-2:])
        teachers = [network for role, network in self.networks.items() if role != 'student']
        return ensemble([teacher(image, size) for teacher in teachers]).clamp(min=1e-12).log()

    def _learn(self, view: View) -> torch.Tensor:
        return cross_entropy(self._see(view), view.label, view.pixel_weight)

    def _see(self, view: View) -> torch.Tensor:
        return self.student(self.normalise(view.image), tuple(view.label.shape[-2:]))

    def _learn_inconsistent(self, target: View, teacher: torch.Tensor, step: int) -> torch.Tensor:
        student = self._see(target)
        self.watch['student'] = student.detach()
        if self.config.recompute:
            if step and step % self.config.recompute == 0:
                self.inconsistency.refresh()
            self.inconsistency.count(target.label, student.detach().max(1).indices)
        return kl(teacher, student, pixel_weight=self.inconsistency.weight[target.label])
