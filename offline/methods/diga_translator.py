"""The unpaired image translator behind DiGA's CrDoMix, as a stage of its own (arXiv 2304.02222, from the authors' code)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn.functional import l1_loss

from uda_seg_ros.bundle import Preprocess
from uda_seg_ros.models import SegmentationModel

from ..parts.translator.losses import deceive, discriminate, edge_loss
from ..parts.translator.networks import PatchDiscriminator, Translator
from ..parts.translator.vgg import VGGLoss
from ..samples import Batch
from .base import FROZEN, Method


class DiGATranslator(Method):
    """Both directions are trained, each with its discriminator; a later stage takes source to target as part 'translator'.

    init: {translator: THIS_STAGE.translator} with restyle: translator. The student is not touched: it passes through, so
    that the next stage may start from previous.student. Authors' optimiser: Adam 1e-4, betas 0.5 and 0.999, poly 0.9,
    50,000 steps, batch 2, crop 512x896. Sides of crops: multiples of 4, 64 or more.
    """

    ROLES: ClassVar[Mapping[str, str]] = {'student': FROZEN}

    @dataclass(frozen=True)
    class Config:
        """Weights of the losses. reconstruction: through the picture's own decoder, 0.001 for GTA5, 0.025 for SYNTHIA.

        vgg_weights: a local file of VGG-19's ImageNet weights; '' leaves the perceptual term out. width: of the networks.
        """

        adversarial: float = 0.5
        cycle: float = 10.0
        edges: float = 20.0
        reconstruction: float = 0.001
        vgg: float = 0.1
        vgg_weights: str = ''
        width: int = 64

    def __init__(self, networks: Mapping[str, SegmentationModel], config: Any, preprocess: Preprocess) -> None:
        super().__init__(networks, config, preprocess)
        self.to_target, self.to_source = Translator(config.width), Translator(config.width)
        self.judge_target, self.judge_source = PatchDiscriminator(config.width), PatchDiscriminator(config.width)
        self.vgg = VGGLoss(config.vgg_weights) if config.vgg_weights else None

    def forward(self, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        config, source, target = self.config, batch.source_image * 2 - 1, batch.target_image * 2 - 1
        there, back = self.to_target, self.to_source
        source_code, target_code = there.encoder(source), back.encoder(target)
        fake_target, fake_source = there.decoder(source_code), back.decoder(target_code)
        cycle = (l1_loss(back.decoder(back.encoder(fake_target)), source)
                 + l1_loss(there.decoder(there.encoder(fake_source)), target))
        reconstruction = l1_loss(back.decoder(source_code), source) + l1_loss(there.decoder(target_code), target)
        losses = {
            'adversarial': config.adversarial * (deceive(self.judge_target, fake_target)
                                                 + deceive(self.judge_source, fake_source)),
            'cycle': config.cycle * cycle,
            'edges': config.edges * edge_loss(fake_target, source, batch.source_label),
            'reconstruction': config.reconstruction * reconstruction,
            'discriminator': (discriminate(self.judge_target, target, fake_target)
                              + discriminate(self.judge_source, source, fake_source))}
        if self.vgg is not None:
            losses['vgg'] = config.vgg * (self.vgg(fake_target, source) + self.vgg(fake_source, target))
        self.watch = {'source_image': batch.source_image, 'restyled_image': (fake_target.detach() + 1) / 2,
                      'target_image': batch.target_image, 'target_restyled_image': (fake_source.detach() + 1) / 2}
        return losses

    def after_step(self, step: int) -> None:
        for translator in (self.to_target, self.to_source):
            translator.steps_trained += 1

    def param_groups(self) -> list[dict[str, Any]]:
        named = [(name, parameter) for name, parameter in self.named_parameters() if parameter.requires_grad]
        judges = [(name, parameter) for name, parameter in named if name.startswith('judge_')]
        rest = [(name, parameter) for name, parameter in named if not name.startswith('judge_')]
        return [{'params': rest, 'optimiser': 'main'}, {'params': judges, 'optimiser': 'discriminator'}]

    def parts(self) -> dict[str, nn.Module]:
        return {**super().parts(), 'translator': self.to_target, 'translator_back': self.to_source}
