"""Self-training with a mean teacher and ClassMix: the recipe that later methods are measured against.

Source: DACS, Tranheden et al., 2021, arXiv 2007.08702; DAFormer, Hoyer et al., 2022, arXiv 2111.14887; the masked
consistency is MIC's, Hoyer et al., 2023, arXiv 2212.01322.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.self_training.ema import Average, EMATeacher
from uda_seg_ros.self_training.feature_distance import THINGS, FirstFeatures
from uda_seg_ros.self_training.losses import cross_entropy
from uda_seg_ros.self_training.target_view import View, ViewSettings, masked_view, mixed_view, source_view, target_view

from ..samples import Batch
from .base import Method


class SelfTraining(Method):
    """CE on the source and on mixed images, whose target part is labelled by the moving average of the student.

    No pixel of the target is masked: all weigh as much as the share of confident ones. Both CE are means over all pixels.
    """

    @dataclass(frozen=True)
    class Config(ViewSettings):
        """How it learns; the defaults are DAFormer's without its feature distance.

        average: how the teacher follows. feature_distance: its weight (DAFormer: 0.005), 0 is off. thing_classes:
        train ids it looks at; those of Cityscapes by default.
        """

        average: Average = field(default_factory=Average)
        feature_distance: float = 0.0
        thing_classes: tuple[int, ...] = THINGS

    def __init__(self, networks: Mapping[str, SegmentationModel], config: Config, preprocess: Preprocess) -> None:
        super().__init__(networks, config, preprocess)
        self.teacher = EMATeacher(self.student, config.average)
        self.first = FirstFeatures(self.student, config.thing_classes) if config.feature_distance else None

    def prepare(self, target: Iterable[torch.Tensor]) -> None:
        if self.first is not None:
            self.first.copy(self.student)

    def forward(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        self.teacher.update(self.student, step)
        size = tuple(batch.target_image.shape[-2:])
        source = source_view(batch.source_image, batch.source_label)
        target = target_view(batch.target_image, self.teacher(self.normalise(batch.target_image), size), self.config)
        losses = self._learn_source(source)
        mixed = mixed_view(source, target, self.config)
        self.watch = {'target_image': target.image, 'mixed_image': mixed.image, 'mixed_label': mixed.label,
                      'pixel_weight': mixed.pixel_weight}
        losses['mixed'] = self._learn(mixed)
        if self.config.masked.weight:
            losses['masked'] = self._learn(masked_view(target, self.mean, self.config)) * self.config.masked.weight
        return losses

    def _learn_source(self, source: View) -> dict[str, torch.Tensor]:
        image = self.normalise(source.image)
        features = self.student.forward_features(image)
        logits = self.student.forward_head(features, tuple(source.label.shape[-2:]))
        losses = {'source': cross_entropy(logits, source.label)}
        if self.first is not None:
            losses['feature_distance'] = self.first(features, image, source.label) * self.config.feature_distance
        return losses

    def _learn(self, view: View) -> torch.Tensor:
        logits = self.student(self.normalise(view.image), tuple(view.label.shape[-2:]))
        return cross_entropy(logits, view.label, view.pixel_weight)

    def parts(self) -> dict[str, nn.Module]:
        return {**super().parts(), 'teacher': self.teacher.network}
