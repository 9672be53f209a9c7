"""DiGA's self-training: a pixel keeps its pseudo-label where classifier and nearest centroid agree (arXiv 2304.02222)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import nn
from torch.nn import functional

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.labels import IGNORE
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.models.resize import resize_logits
from uda_seg_ros.self_training.centroids import Centroids
from uda_seg_ros.self_training.crdomix import Perturbation, crdomix, half_of_classes, perturb
from uda_seg_ros.self_training.ema import Average, EMATeacher
from uda_seg_ros.self_training.losses import Normalise, cross_entropy, ohem_cross_entropy, symmetric_distillation
from uda_seg_ros.self_training.mixing import mix
from uda_seg_ros.self_training.pseudo_label import consensus

from ..parts.restyler import Restyle, Restyler
from ..samples import Batch
from .base import FROZEN, Method


class DiGA(Method):
    """L = CE(S(x), y) + CE(S(x_mix), Y_mix) + l_d [H(T(x), S(x_cd)) + kappa H(T(x_cd), S(x))], without a threshold.

    Start it from diga_warm_up; a further round is a further stage started from this one's student. Each stage labels the
    target set and estimates the centroids anew: the authors' second round keeps the first one's centroids for features that
    have moved. T is the student's moving average in eval mode, or a fixed network given as 'teacher', which then labels the
    target set too (our choice). Features are what T's classifier sees, before any dropout.
    """

    OPTIONAL: ClassVar[Mapping[str, str]] = {'teacher': FROZEN}
    LABELS_TARGET: ClassVar[bool] = True

    @dataclass(frozen=True)
    class Config:
        """As of diga_warm_up, and: momentum: of the centroids. centroid_passes: over the target set in their estimate.

        One pass is the plain mean over the images. More, as the authors' five, give the same until 3000 images are
        counted, and weigh later ones more from then on. kappa: 0.25 for SYNTHIA.
        """

        l_d: float = 0.25
        kappa: float = 0.5
        beta: float = 0.3
        perturbation: Perturbation = field(default_factory=Perturbation)
        restyle: Restyle = 'color_statistics'
        translator_width: int = 64
        ce: Literal['plain', 'ohem'] = 'plain'
        normalise: Normalise = 'all_pixels'
        kd_valid_only: bool = False
        momentum: float = 1e-4
        centroid_passes: int = 1
        average: Average = field(default_factory=Average)

    def __init__(self, networks: Mapping[str, SegmentationModel], config: Any, preprocess: Preprocess) -> None:
        super().__init__(networks, config, preprocess)
        self.restyler = Restyler(config.restyle, config.translator_width)
        self.ema = None if 'teacher' in networks else EMATeacher(self.student, config.average)
        self.centroids = Centroids(self.num_classes, self.teacher.embedding_channels)

    @property
    def teacher(self) -> SegmentationModel:
        return self.networks['teacher'] if self.ema is None else self.ema.network

    def label_target(self, image: torch.Tensor) -> torch.Tensor:
        """argmax of the greater of the logits at full and at half size: every pixel gets a label."""
        network = self.teacher if self.ema is None else self.student  # the average has not seen the first weights yet
        size, multiple = image.shape[-2:], network.multiple
        half = tuple(max(1, round(side / 2 / multiple)) * multiple for side in size)
        smaller = functional.interpolate(image, half, mode='bilinear', align_corners=False, antialias=True)
        logits = [network(self.normalise(view), size) for view in (image, smaller)]
        return torch.maximum(*logits).argmax(1)

    def check_start(self, started: Collection[str]) -> None:
        self.restyler.check_start(started)

    def prepare(self, target: Iterable[torch.Tensor]) -> None:
        self.restyler.check_trained()
        if self.ema is not None:
            self.ema.update(self.student, 0)
        for _ in range(self.config.centroid_passes):
            for image in target:
                embedding, logits = self._look(image)
                self.centroids.estimate(embedding, logits.argmax(1))

    def forward(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        if self.ema is not None:
            self.ema.update(self.student, step)
        config, image, label, target = self.config, batch.source_image, batch.source_label, batch.target_image
        crossed = crdomix(image, label, self.restyler(image, target), config.beta, config.perturbation)
        size = label.shape[-2:]
        of_source, logits = self._look(torch.cat([image, crossed]))
        of_target, target_logits = self._look(target)  # alone: its batch statistics, if any, are the target's
        pseudo_label = consensus(batch.target_label, self.centroids.nearest(of_target, size))
        self._follow(of_target, target_logits, pseudo_label)
        self._follow(of_source.chunk(2)[1], logits.chunk(2)[1], label)

        mix_mask = half_of_classes(label)
        mixed = mix(mix_mask, image, perturb(target, config.beta, config.perturbation))
        mixed_label = mix(mix_mask, label, pseudo_label)
        student = self.student(self.normalise(torch.cat([image, crossed])), size).chunk(2)
        teacher = tuple(resize_logits(part, size) for part in logits.chunk(2))
        valid_mask = label != IGNORE if config.kd_valid_only else None
        distillation = symmetric_distillation(teacher, student, config.kappa, valid_mask)
        self.watch = {'source_image': image, 'source_label': label, 'crdomix_image': crossed, 'target_image': target,
                      'pseudo_label': pseudo_label, 'mixed_image': mixed, 'mixed_label': mixed_label}
        mixed_logits = self.student(self.normalise(mixed), size)  # alone: it has batch statistics of its own
        return {'source': self._ce(student[0], label), 'distillation': config.l_d * distillation,
                'mixed': self._ce(mixed_logits, mixed_label)}

    @torch.no_grad()
    def _look(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The teacher's embedding and logits, both at its stride."""
        embedding = self.teacher.forward_embedding(self.teacher.forward_features(self.normalise(image)))
        return embedding, self.teacher.forward_classifier(embedding)

    def _follow(self, embedding: torch.Tensor, logits: torch.Tensor, label: torch.Tensor) -> None:
        """Centroids move towards the features of pixels where the label (BHW) and the teacher's prediction agree."""
        small = functional.interpolate(label[:, None].float(), logits.shape[-2:], mode='nearest-exact')[:, 0].long()
        self.centroids.follow(embedding, consensus(small, logits.argmax(1)), self.config.momentum)

    def _ce(self, logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        if self.config.ce == 'ohem':
            return ohem_cross_entropy(logits, label)
        return cross_entropy(logits, label, normalise=self.config.normalise)

    def parts(self) -> dict[str, nn.Module]:
        return {**super().parts(), 'teacher': self.teacher, **self.restyler.parts()}
