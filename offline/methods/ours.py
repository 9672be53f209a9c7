"""The recommended method: a light student beside a heavy one, soft labels, and source pictures in the target's colours.

Composed of what helped in our own comparison (offline/suites): DUDA's three networks (arXiv 2504.09814), the distillation
of the teacher's whole distribution on the target as in BKD-style, and, in place of DiGA's CrDoMix, labelled source pictures
that take the colour statistics of a target picture: their labels are exact whatever the light or the weather.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.config import ConfigError
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.self_training.ema import Average, EMATeacher
from uda_seg_ros.self_training.losses import cross_entropy, kl
from uda_seg_ros.self_training.restyle import RESTYLE
from uda_seg_ros.self_training.target_view import View, ViewSettings, masked_view, mixed_view, source_view, target_view

from ..samples import Batch
from .base import FROZEN, TRAINED, Method


class Ours(Method):
    """Who teaches: with the role 'large' its moving average, both trained here; with 'teacher' that network, frozen; with
    neither the student's own moving average. Parts: the networks, and the average as 'teacher'.
    """

    ROLES: ClassVar[Mapping[str, str]] = {'student': TRAINED}
    OPTIONAL: ClassVar[Mapping[str, str]] = {'large': TRAINED, 'teacher': FROZEN}

    @dataclass(frozen=True)
    class Config(ViewSettings):
        """restyled: share of source pictures that take the style of a target picture. restyle: how.

        soft: weight of KL(teacher || student) on the target pixels of the mixed image, at `temperature`. average:
        how the moving average follows.
        """

        restyled: float = 0.5
        restyle: Literal['color_statistics', 'fourier_amplitude'] = 'color_statistics'
        soft: float = 1.0
        temperature: float = 2.0
        average: Average = field(default_factory=lambda: Average(batch_statistics=True))

        def __post_init__(self) -> None:
            super().__post_init__()
            if not 0 <= self.restyled <= 1 or self.soft < 0 or self.temperature <= 0:
                raise ConfigError('restyled must be within 0 to 1, soft 0 or more, temperature above 0')

    def __init__(self, networks: Mapping[str, SegmentationModel], config: Any, preprocess: Preprocess) -> None:
        super().__init__(networks, config, preprocess)
        if {'large', 'teacher'} <= networks.keys():
            raise ConfigError("ours: either 'large' (trained here) or 'teacher' (frozen) can be given, not both")
        self.average = None if 'teacher' in networks else EMATeacher(self._averaged, config.average)

    @property
    def _averaged(self) -> SegmentationModel:
        return self.networks['large' if 'large' in self.networks else 'student']

    @property
    def teacher(self) -> SegmentationModel:
        return self.networks['teacher'] if self.average is None else self.average.network

    def forward(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        if self.average is not None:
            self.average.update(self._averaged, step)
        with torch.no_grad():
            logits = self.teacher(self.normalise(batch.target_image), tuple(batch.target_image.shape[-2:]))
        losses = {}
        for name, view in self._views(batch, logits).items():
            weight = self.config.masked.weight if name == 'masked' else 1.0
            for role in [role for role in ('student', 'large') if role in self.networks]:
                answer = self.networks[role](self.normalise(view.image), tuple(view.label.shape[-2:]))
                losses[f'{name}_{role}'] = weight * cross_entropy(answer, view.label, view.pixel_weight)
                if role == 'student' and name == 'mixed' and self.config.soft:
                    losses['soft'] = self.config.soft * kl(logits, answer, self.config.temperature, ~view.pasted)
        return losses

    def _views(self, batch: Batch, logits: torch.Tensor) -> dict[str, View]:
        """What is learnt from. logits: the teacher's, of the target as it is."""
        source = source_view(self._restyled(batch.source_image, batch.target_image), batch.source_label)
        target = target_view(batch.target_image, logits, self.config)
        views = {'source': source, 'mixed': mixed_view(source, target, self.config)}
        if self.config.masked.weight:
            views['masked'] = masked_view(target, self.mean, self.config)
        self.watch = {'source_image': source.image, 'source_label': source.label, 'target_image': target.image,
                      'pseudo_label': target.label, 'mixed_image': views['mixed'].image,
                      'mixed_label': views['mixed'].label, 'pixel_weight': views['mixed'].pixel_weight}
        return views

    def _restyled(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if not self.config.restyled:
            return source
        chosen = torch.rand(len(source), 1, 1, 1, device=source.device) < self.config.restyled
        return torch.where(chosen, RESTYLE[self.config.restyle](source, target), source)

    def parts(self) -> dict[str, nn.Module]:
        return {**super().parts(), 'teacher': self.teacher}
