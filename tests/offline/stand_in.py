"""A method that uses all that the trainer offers, a network without BatchNorm, and a small recipe for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from offline.methods import METHODS, Method
from uda_seg_ros.labels import IGNORE
from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.models.resize import resize_logits
from uda_seg_ros.self_training.ema import EMATeacher

NAME = 'stand_in'


class Plain(SegmentationModel):
    """Two convolutions; no image's result depends on another's."""

    stride, head_parts = 4, ('classifier',)

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.encoder = nn.Conv2d(3, 8, 3, stride=4, padding=1)
        self.classifier = nn.Conv2d(8, num_classes, 1)

    def forward_features(self, image):
        return (self.encoder(image).relu(),)

    def forward_head(self, features, size=None):
        return resize_logits(self.classifier(features[0]), size)


class StandIn(Method):
    """Learns from source labels and from pseudo-labels, with noise, a teacher, statistics of its own and a discriminator."""

    LABELS_TARGET = True

    @dataclass(frozen=True)
    class Config:
        noise: float = 0.1
        explode_at: int | None = None

    def __init__(self, networks, config, preprocess) -> None:
        super().__init__(networks, config, preprocess)
        self.teacher = EMATeacher(self.student)
        self.discriminator = nn.Conv2d(self.num_classes, 1, 1)
        self.register_buffer('target_mean', torch.zeros(3))
        self.register_buffer('steps_seen', torch.zeros((), dtype=torch.int64))

    def prepare(self, target) -> None:
        for image in target:
            self.target_mean += image.mean((0, 2, 3))

    def label_target(self, image):
        return self.student(self.normalise(image), tuple(image.shape[-2:])).argmax(1)

    def forward(self, batch, step):
        self.teacher.update(self.student, step)
        size = tuple(batch.source_label.shape[-2:])
        noise = torch.randn_like(batch.target_image) * self.config.noise * (1 + self.target_mean.mean())
        source = self.student(self.normalise(batch.source_image), size)
        target = self.student(self.normalise(batch.target_image + noise), size)
        self.watch = {'noisy_image': batch.target_image + noise, 'pixel_weight': noise[:, 0].abs()}
        losses = {'source': functional.cross_entropy(source, batch.source_label, ignore_index=IGNORE),
                  'target': functional.cross_entropy(target, batch.target_label, ignore_index=IGNORE),
                  'discriminator': self.discriminator(target.detach().softmax(1)).square().mean()}
        if step == self.config.explode_at:
            losses['target'] = losses['target'] * torch.inf
        return losses

    def after_step(self, step) -> None:
        self.steps_seen += 1

    def param_groups(self):
        named = list(self.student.named_parameters())
        return [{'params': named, 'optimiser': 'main'},
                {'params': list(self.discriminator.named_parameters()), 'optimiser': 'discriminator'}]

    def parts(self):
        return {**self.networks, 'teacher': self.teacher, 'discriminator': self.discriminator}


def register() -> None:
    """Put the method into the table, for this process."""
    METHODS[NAME] = StandIn


def small_recipe(**changes: Any) -> dict[str, Any]:
    """Two stages of some steps on procedural pictures, in the written form. changes: of top-level keys."""
    drives = {'weather': 'clear', 'frames': 3, 'width': 96}
    return {
        'seed': 1,
        'preprocess': {'height': 64, 'width': 96},
        'data': {'labels': 'cityscapes19',
                 'source': {'kind': 'procedural', 'options': {'town': 'town_a', 'seeds': [0], **drives}},
                 'target': {'kind': 'procedural', 'options': {'town': 'town_b', 'seeds': [1], **drives}}},
        'loader': {'batch': 2, 'crop': [32, 64]},
        'networks': {'student': {'name': 'fast_scnn', 'settings': {'width': 0.25}}},
        'optimiser': {'lr': 1e-3, 'clip': 10.0},
        'schedule': {'warmup': 2},
        'stages': [{'name': 'first', 'method': NAME, 'steps': 5},
                   {'name': 'second', 'method': NAME, 'steps': 5, 'config': {'noise': 0.2},
                    'init': {'student': 'previous.teacher', 'discriminator': 'first.discriminator'}}],
        **changes}
