"""Supervised training: the lower bound on source labels and, with labelled target data as the source, the upper bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from uda_seg_ros.config import ConfigError
from uda_seg_ros.self_training.augment import Photometric, photometric
from uda_seg_ros.self_training.losses import cross_entropy, ohem_cross_entropy

from ..samples import Batch
from .base import Method


@dataclass(frozen=True)
class Ohem:
    """Which pixels OHEM keeps: true class less probable than `threshold`, and never fewer than `fewest` of the batch."""

    threshold: float = 0.7
    fewest: int = 100_000

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1 or self.fewest < 1:
            raise ConfigError('threshold must be within 0 to 1, and fewest 1 or more')


class SourceOnly(Method):
    """Cross-entropy on source labels, mean over the valid pixels. The target is not looked at."""

    NEEDS_TARGET: ClassVar[bool] = False

    @dataclass(frozen=True)
    class Config:
        """photometric: augmentation of the source images. ohem: CE of hard pixels only. None leaves either out."""

        photometric: Photometric | None = None
        ohem: Ohem | None = None

    def forward(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        image, label = batch.source_image, batch.source_label
        if self.config.photometric is not None:
            image = photometric(image, self.config.photometric)
        logits = self.student(self.normalise(image), tuple(label.shape[-2:]))
        self.watch = {'source_image': image, 'source_label': label, 'prediction': logits.detach()}
        ohem = self.config.ohem
        loss = (cross_entropy(logits, label, normalise='valid') if ohem is None
                else ohem_cross_entropy(logits, label, ohem.threshold, ohem.fewest))
        return {'source': loss}
