"""BKD-style: labels smoothed by the teacher, its probability map distilled, hard pixels mined in each image.

RECONSTRUCTED after the abstract of Wang and Li, IROS 2022 (doi of IEEE Xplore 9981567); there is no code, and the paper's
equations are not known to us. Every formula and every default here is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import nn

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.config import ConfigError
from uda_seg_ros.labels import IGNORE
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.self_training.augment import Photometric, photometric
from uda_seg_ros.self_training.ema import Average, EMATeacher
from uda_seg_ros.self_training.hard_pixels import HardPixels, difficulty, weigh
from uda_seg_ros.self_training.inter_class import INTER_CLASS
from uda_seg_ros.self_training.losses import soft_cross_entropy_map
from uda_seg_ros.self_training.mixing import class_mask, draw_classes, mix
from uda_seg_ros.self_training.pseudo_label import THRESHOLD, clear_borders, confident_share, pseudo_label
from uda_seg_ros.self_training.soft_label import label_share_at, one_hot, soft_label

from ..samples import Batch
from .base import FROZEN, TRAINED, Method


class BKD(Method):
    """Distillation that differs by domain, on source images and on ClassMix-ed ones.

    Pasted pixels learn their soft source label; the others a confident hard pseudo-label and the teacher's probs. The
    teacher is the role 'teacher', frozen and of any architecture, or the moving average of the student without it.
    Every term is a mean over the valid pixels of the batch.
    """

    ROLES: ClassVar[Mapping[str, str]] = {'student': TRAINED}
    OPTIONAL: ClassVar[Mapping[str, str]] = {'teacher': FROZEN}

    @dataclass(frozen=True)
    class Config:
        """label_share, ramp, guard_below: of the soft source label, see soft_label.py. target_flow: what is distilled.

        distilled: share of the distillation in the target's loss, the rest is the pseudo-label's. temperature: of the
        distillation. threshold: least confidence of a hard pseudo-label. target_weight: of all on mixed images;
        target_weight_by: and target pixels once more by the share of confident ones in the batch. ignore_borders: top,
        bottom, left, right pixels of the target crop that are left out. average: the moving
        average, where it teaches.
        """

        label_share: float = 0.8
        ramp: int = 2000
        guard_below: float = 0.1
        target_flow: Literal['probs', 'class_relation', 'non_target'] = 'probs'
        distilled: float = 0.5
        temperature: float = 2.0
        threshold: float = THRESHOLD
        target_weight: float = 1.0
        target_weight_by: Literal['constant', 'confident_share'] = 'constant'
        hard_pixels: HardPixels = field(default_factory=HardPixels)
        ignore_borders: tuple[int, int, int, int] = (0, 0, 0, 0)
        classes_per: Literal['batch', 'image'] = 'batch'
        photometric: Photometric | None = field(default_factory=Photometric)
        average: Average = field(default_factory=Average)

        def __post_init__(self) -> None:
            if not (0 <= self.label_share <= 1 and 0 <= self.distilled <= 1 and self.temperature > 0):
                raise ConfigError('label_share and distilled must be within 0 to 1, temperature above 0')
            if not 0 <= self.threshold <= 1 or min(self.ignore_borders) < 0:
                raise ConfigError('threshold must be within 0 to 1, ignore_borders 0 or more pixels')

    def __init__(self, networks: Mapping[str, SegmentationModel], config: Config, preprocess: Preprocess) -> None:
        super().__init__(networks, config, preprocess)
        self.average = None if 'teacher' in networks else EMATeacher(self.student, config.average)
        if self.average is None and networks['teacher'].num_classes != self.num_classes:
            raise ConfigError(f'bkd: the teacher has {networks["teacher"].num_classes} classes, the student '
                              f'{self.num_classes}; both must have those of the label space')

    @property
    def teacher(self) -> nn.Module:
        return self.networks['teacher'] if self.average is None else self.average.network

    def forward(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        if self.average is not None:
            self.average.update(self.student, step)
        with torch.no_grad():
            of_source, of_target = (self._logits(self.teacher, image) for image in (batch.source_image, batch.target_image))
        share = label_share_at(step, self.config.label_share, self.config.ramp)
        soft = soft_label(batch.source_label, of_source.softmax(1), share, self.config.guard_below)
        return {'source': self._source_flow(batch, soft, step), **self._target_flow(batch, soft, of_target, step)}

    def _logits(self, network: nn.Module, image: torch.Tensor) -> torch.Tensor:
        return network(self.normalise(image), tuple(image.shape[-2:])).float()

    def _source_flow(self, batch: Batch, soft: torch.Tensor, step: int) -> torch.Tensor:
        logits, valid = self._logits(self.student, batch.source_image), batch.source_label != IGNORE
        weight = weigh(difficulty(logits, batch.source_label), valid, self.config.hard_pixels, step, 'source')
        return (soft_cross_entropy_map(soft, logits) * weight).sum() / valid.sum().clamp(min=1)

    def _target_flow(self, batch: Batch, soft: torch.Tensor, teacher_logits: torch.Tensor,
                     step: int) -> dict[str, torch.Tensor]:
        """Losses on the mixed image. teacher_logits: of the target image as it is, neither mixed nor augmented."""
        pasted = class_mask(batch.source_label, draw_classes(batch.source_label, per=self.config.classes_per))
        image = mix(pasted, batch.source_image, batch.target_image)
        image = image if self.config.photometric is None else photometric(image, self.config.photometric)
        guess, confidence = pseudo_label(teacher_logits)
        label = mix(pasted, batch.source_label, guess)
        inside = clear_borders(torch.ones_like(confidence), *self.config.ignore_borders) > 0
        valid = (label != IGNORE) & (pasted | inside)
        logits = self._logits(self.student, image)

        # A hard target pixel is also a noisy one: the weights of hard labels look at confident pixels only.
        hardness, settings = difficulty(logits, label), self.config.hard_pixels
        hard_weight = weigh(hardness, valid & (pasted | (confidence >= self.config.threshold)), settings, step, 'target')
        soft_weight = weigh(hardness, valid & ~pasted, settings, step, 'target', confidence)
        loss = soft_cross_entropy_map(mix(pasted, soft, one_hot(guess, soft)), logits) * hard_weight
        by_share = self.config.target_weight_by == 'confident_share'
        trust = confident_share(confidence, self.config.threshold) if by_share else 1.0
        self.watch = {'target_image': batch.target_image, 'mixed_image': image, 'mixed_label': label,
                      'pixel_weight': hard_weight}
        flow = INTER_CLASS[self.config.target_flow]
        pixels, whole, distilled = valid.sum().clamp(min=1), self.config.target_weight, self.config.distilled
        return {'mixed_source': whole * (loss * pasted).sum() / pixels,
                'pseudo_label': whole * (1 - distilled) * (loss * ~pasted * trust).sum() / pixels,
                'distillation': whole * distilled * flow(teacher_logits, logits, soft_weight * trust, valid,
                                                         self.config.temperature)}

    def parts(self) -> dict[str, nn.Module]:
        return {**super().parts(), 'teacher': self.teacher}
