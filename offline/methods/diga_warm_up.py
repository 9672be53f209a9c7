"""DiGA's warm-up: source CE and symmetric distillation between two views of a source picture (arXiv 2304.02222)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.labels import IGNORE
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.self_training.crdomix import Perturbation, crdomix
from uda_seg_ros.self_training.ema import Average, EMATeacher
from uda_seg_ros.self_training.losses import Normalise, cross_entropy, ohem_cross_entropy, symmetric_distillation

from ..parts.restyler import Restyle, Restyler
from ..samples import Batch
from .base import FROZEN, Method


class DiGAWarmUp(Method):
    """L = CE(S(x), y) + l_d [H(T(x), S(x_cd)) + kappa H(T(x_cd), S(x))], x_cd being CrDoMix of x.

    T is the student's moving average, or a fixed network given as 'teacher' (our choice: distillation needs its logits
    only). Against the authors' code, T is in eval mode and its BatchNorm buffers follow the student's; images are augmented
    before they are normalised; and the target reaches BatchNorm only if asked to.
    """

    OPTIONAL: ClassVar[Mapping[str, str]] = {'teacher': FROZEN}

    @dataclass(frozen=True)
    class Config:
        """l_d, kappa: 0.5 each for GTA5, 0.25 for SYNTHIA. beta: share of the augmented picture in the perturbed one.

        ce: 'ohem' for SYNTHIA; `normalise` is of 'plain'. kd_valid_only: distil on labelled pixels only. restyle: how the
        target style of CrDoMix is made. bn_adapt_target: also run target images through the student in train mode without
        gradient; its BatchNorm statistics become about half the target's: an adaptation hidden in the authors' code.
        """

        l_d: float = 0.5
        kappa: float = 0.5
        beta: float = 0.4
        perturbation: Perturbation = field(default_factory=Perturbation)
        restyle: Restyle = 'color_statistics'
        translator_width: int = 64
        ce: Literal['plain', 'ohem'] = 'plain'
        normalise: Normalise = 'all_pixels'
        kd_valid_only: bool = False
        bn_adapt_target: bool = False
        average: Average = field(default_factory=Average)

    def __init__(self, networks: Mapping[str, SegmentationModel], config: Any, preprocess: Preprocess) -> None:
        super().__init__(networks, config, preprocess)
        self.restyler = Restyler(config.restyle, config.translator_width)
        self.ema = None if 'teacher' in networks else EMATeacher(self.student, config.average)

    @property
    def teacher(self) -> SegmentationModel:
        return self.networks['teacher'] if self.ema is None else self.ema.network

    def check_start(self, started: Collection[str]) -> None:
        self.restyler.check_start(started)

    def prepare(self, target: Iterable[torch.Tensor]) -> None:
        self.restyler.check_trained()

    def forward(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        if self.ema is not None:
            self.ema.update(self.student, step)
        config, image, label = self.config, batch.source_image, batch.source_label
        translated = self.restyler(image, batch.target_image)
        mixed = crdomix(image, label, translated, config.beta, config.perturbation)
        views, size = self.normalise(torch.cat([image, mixed])), label.shape[-2:]
        student = self.student(views, size).chunk(2)
        with torch.no_grad():
            teacher = self.teacher(views, size).chunk(2)
        valid_mask = label != IGNORE if config.kd_valid_only else None
        distillation = symmetric_distillation(teacher, student, config.kappa, valid_mask)
        if config.bn_adapt_target:
            with torch.no_grad():
                self.student(self.normalise(batch.target_image))
        self.watch = {'source_image': image, 'source_label': label, 'crdomix_image': mixed, 'restyled_image': translated}
        return {'source': self._ce(student[0], label), 'distillation': config.l_d * distillation}

    def _ce(self, logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        if self.config.ce == 'ohem':
            return ohem_cross_entropy(logits, label)
        return cross_entropy(logits, label, normalise=self.config.normalise)

    def parts(self) -> dict[str, nn.Module]:
        return {**super().parts(), 'teacher': self.teacher, **self.restyler.parts()}
