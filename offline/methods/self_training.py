"""Self-training with a mean teacher and ClassMix: the recipe that later methods are measured against.

Source: DACS, Tranheden et al., 2021, arXiv 2007.08702; DAFormer, Hoyer et al., 2022, arXiv 2111.14887; the masked
consistency is MIC's, Hoyer et al., 2023, arXiv 2212.01322.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import nn

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.config import ConfigError
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.self_training.augment import Photometric, photometric
from uda_seg_ros.self_training.ema import EMATeacher
from uda_seg_ros.self_training.feature_distance import cells_of, feature_distance
from uda_seg_ros.self_training.losses import cross_entropy
from uda_seg_ros.self_training.mixing import block_mask, class_mask, draw_classes, mix
from uda_seg_ros.self_training.pseudo_label import THRESHOLD, clear_borders, confident_share, pseudo_label

from ..samples import Batch
from .base import Method


@dataclass(frozen=True)
class Masked:
    """MIC's masked target image. weight: of its loss, 0 is off. block: its side in pixels. ratio: share of blocks hidden."""

    weight: float = 0.0
    block: int = 64
    ratio: float = 0.7


class SelfTraining(Method):
    """CE on the source and on mixed images, whose target part is labelled by the moving average of the student.

    No pixel of the target is masked: all weigh as much as the share of confident ones. Both CE are means over all pixels.
    """

    @dataclass(frozen=True)
    class Config:
        """How it learns; the defaults are DAFormer's without its feature distance.

        threshold, share_per: a pseudo-label's weight is the share of pixels of at least this confidence, of the batch or of
        each image. ignore_borders: top, bottom, left, right pixels of the target crop without weight. classes_per: half of
        the classes in the batch or in each image are pasted. photometric: of mixed and masked image. feature_distance: its
        weight (DAFormer: 0.005), 0 is off. thing_classes: train ids it looks at; those of Cityscapes by default.
        """

        decay: float = 0.999
        buffers: Literal['average', 'copy'] = 'average'
        threshold: float = THRESHOLD
        share_per: Literal['batch', 'image'] = 'batch'
        ignore_borders: tuple[int, int, int, int] = (0, 0, 0, 0)
        classes_per: Literal['batch', 'image'] = 'batch'
        photometric: Photometric | None = field(default_factory=Photometric)
        feature_distance: float = 0.0
        thing_classes: tuple[int, ...] = (6, 7, 11, 12, 13, 14, 15, 16, 17, 18)
        masked: Masked = Masked()

    def __init__(self, networks: Mapping[str, SegmentationModel], config: Config, preprocess: Preprocess) -> None:
        super().__init__(networks, config, preprocess)
        self.teacher = EMATeacher(self.student, config.decay, config.buffers)
        if config.feature_distance:
            unknown = [train_id for train_id in config.thing_classes if not 0 <= train_id < self.num_classes]
            if unknown or not config.thing_classes:
                raise ConfigError(f'self_training: thing_classes {unknown} are no train ids of {self.num_classes} classes; '
                                  'give those of your label space, or set feature_distance to 0')
            self.initial = copy.deepcopy(self.student).requires_grad_(False).eval()
            self._frozen.append(self.initial)

    def prepare(self, target: Iterable[torch.Tensor]) -> None:
        if self.config.feature_distance:
            self.initial.load_state_dict(self.student.state_dict())

    def forward(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        self.teacher.update(self.student, step)
        label, weight = self._label_target(batch.target_image)
        losses = self._learn_source(batch)
        losses['mixed'] = self._learn_mixed(batch, label, weight)
        if self.config.masked.weight:
            losses['masked'] = self._learn_masked(batch.target_image, label, weight) * self.config.masked.weight
        return losses

    def _label_target(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(pseudo_label, pixel_weight) BHW of the target as it is, neither mixed nor augmented."""
        label, confidence = pseudo_label(self.teacher(self.normalise(image), tuple(image.shape[-2:])))
        share = confident_share(confidence, self.config.threshold, self.config.share_per)
        return label, clear_borders(share.expand(label.shape), *self.config.ignore_borders)

    def _learn_source(self, batch: Batch) -> dict[str, torch.Tensor]:
        image, label = self.normalise(batch.source_image), batch.source_label
        features = self.student.forward_features(image)
        losses = {'source': cross_entropy(self.student.forward_head(features, tuple(label.shape[-2:])), label)}
        if self.config.feature_distance:
            with torch.no_grad():
                initial = self.initial.forward_features(image)[-1]
            cells = cells_of(label, self.config.thing_classes, tuple(initial.shape[-2:]))
            distance = feature_distance(features[-1], initial, cells)
            losses['feature_distance'] = distance * self.config.feature_distance
        return losses

    def _learn_mixed(self, batch: Batch, label: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Pasted pixels have the source's label and weight 1, the others the teacher's label and weight."""
        mask = class_mask(batch.source_label, draw_classes(batch.source_label, per=self.config.classes_per))
        image = self._augment(mix(mask, batch.source_image, batch.target_image))
        label = mix(mask, batch.source_label, label)
        weight = mix(mask, torch.ones_like(weight), weight)
        self.watch = {'target_image': batch.target_image, 'mixed_image': image, 'mixed_label': label, 'pixel_weight': weight}
        return cross_entropy(self.student(self.normalise(image), tuple(label.shape[-2:])), label, weight)

    def _learn_masked(self, image: torch.Tensor, label: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        image = self.normalise(self._augment(image))
        image = image * block_mask(image, self.config.masked.block, self.config.masked.ratio)
        return cross_entropy(self.student(image, tuple(label.shape[-2:])), label, weight)

    def _augment(self, image: torch.Tensor) -> torch.Tensor:
        return image if self.config.photometric is None else photometric(image, self.config.photometric)

    def parts(self) -> dict[str, nn.Module]:
        return {**super().parts(), 'teacher': self.teacher.network}
