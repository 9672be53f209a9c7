"""DUDA's first stage: a large student, its moving average as the teacher, and a small student that it labels for, jointly.

arXiv 2504.09814. The three networks, the EMA of the large pair, hard pseudo-labels and the two pairs of CE are from
summaries of the paper. RECONSTRUCTED: the pixel weight, ClassMix and colour of the mixed image, which are those of its
hosts DAFormer and MIC. Our choice: both students weigh 1; the feature distance, if any, is the large student's alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import nn

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.self_training.ema import Average, EMATeacher
from uda_seg_ros.self_training.feature_distance import THINGS, FirstFeatures
from uda_seg_ros.self_training.losses import cross_entropy
from uda_seg_ros.self_training.target_view import View, ViewSettings, masked_view, mixed_view, source_view, target_view

from ..samples import Batch
from .base import TRAINED, Method


class DUDA(Method):
    """Networks: 'student', of any architecture, and 'large'. Parts: these, and 'teacher', the average of 'large'."""

    ROLES: ClassVar[Mapping[str, str]] = {'student': TRAINED, 'large': TRAINED}

    @dataclass(frozen=True)
    class Config(ViewSettings):
        """average: how the teacher follows. masked: MIC's loss, for both students.

        feature_distance: weight of the large student's (DAFormer: 0.005), 0 is off. thing_classes: train ids it looks at.
        """

        average: Average = field(default_factory=Average)
        feature_distance: float = 0.0
        thing_classes: tuple[int, ...] = THINGS

    def __init__(self, networks: Mapping[str, SegmentationModel], config: Any, preprocess: Preprocess) -> None:
        super().__init__(networks, config, preprocess)
        self.teacher = EMATeacher(networks['large'], config.average)
        self.first = FirstFeatures(networks['large'], config.thing_classes) if config.feature_distance else None

    def prepare(self, target: Iterable[torch.Tensor]) -> None:
        if self.first is not None:
            self.first.copy(self.networks['large'])

    def forward(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        self.teacher.update(self.networks['large'], step)
        losses = {}
        for name, view in self._views(batch).items():
            for role in ('large', 'student'):
                losses |= self._learn(name, view, role)
        return losses

    def _learn(self, name: str, view: View, role: str) -> dict[str, torch.Tensor]:
        image, network = self.normalise(view.image), self.networks[role]
        features = network.forward_features(image)
        logits = network.forward_head(features, tuple(view.label.shape[-2:]))
        weight = self.config.masked.weight if name == 'masked' else 1.0
        losses = {f'{name}_{role}': weight * cross_entropy(logits, view.label, view.pixel_weight)}
        if self.first is not None and (name, role) == ('source', 'large'):
            losses['feature_distance'] = self.config.feature_distance * self.first(features, image, view.label)
        return losses

    def _views(self, batch: Batch) -> dict[str, View]:
        """What both students learn from, made once."""
        size = tuple(batch.target_image.shape[-2:])
        source = source_view(batch.source_image, batch.source_label)
        target = target_view(batch.target_image, self.teacher(self.normalise(batch.target_image), size), self.config)
        views = {'source': source, 'mixed': mixed_view(source, target, self.config)}
        if self.config.masked.weight:
            views['masked'] = masked_view(target, self.mean, self.config)
        self.watch = {'target_image': target.image, 'pseudo_label': target.label, 'mixed_image': views['mixed'].image,
                      'mixed_label': views['mixed'].label, 'pixel_weight': views['mixed'].pixel_weight}
        return views

    def parts(self) -> dict[str, nn.Module]:
        return {**super().parts(), 'teacher': self.teacher.network}
