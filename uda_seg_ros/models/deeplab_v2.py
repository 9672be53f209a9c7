"""DeepLabV2 on ResNet-50 or -101: the network of the classic adaptation literature (Chen et al., 2016, arXiv 1606.00915)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from ..config import from_mapping
from .base import SegmentationModel
from .layers import initialise_convolutions
from .resnet import DEPTHS, ResNet


class DeepLabV2(SegmentationModel):
    """Features: the four stages of the ResNet at 1/4, 1/8, 1/8, 1/8; logits at 1/8.

    The head (ASPP) is the sum of 3x3 convolutions of the last stage to the classes, one a dilation.
    """

    multiple, stride, head_parts = 8, 8, ('classifiers',)
    embedding_channels = 2048

    @dataclass(frozen=True)
    class Settings:
        """dilations: of the head's convolutions."""

        dilations: tuple[int, ...] = (6, 12, 18, 24)

        def __post_init__(self) -> None:
            if not self.dilations or min(self.dilations) < 1:
                raise ValueError('dilations: one or more whole numbers above 0 are needed')

    def __init__(self, num_classes: int, depths: tuple[int, int, int, int], settings: Settings) -> None:
        super().__init__(num_classes)
        self.encoder = ResNet(depths)
        initialise_convolutions(self.encoder)
        self.classifiers = nn.ModuleList(
            nn.Conv2d(self.embedding_channels, num_classes, 3, padding=dilation, dilation=dilation)
            for dilation in settings.dilations)
        for classifier in self.classifiers:
            nn.init.normal_(classifier.weight, std=0.01)

    def forward_features(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.encoder(image)

    def forward_embedding(self, features: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return features[-1]

    def forward_classifier(self, embedding: torch.Tensor) -> torch.Tensor:
        logits = self.classifiers[0](embedding)
        for classifier in self.classifiers[1:]:
            logits = logits + classifier(embedding)
        return logits


def _variant(encoder: str, num_classes: int, **settings) -> DeepLabV2:
    checked = from_mapping(DeepLabV2.Settings, settings, f'deeplab_v2_{encoder}')
    return DeepLabV2(num_classes, DEPTHS[encoder], checked)


deeplab_v2_resnet50, deeplab_v2_resnet101 = (partial(_variant, encoder) for encoder in DEPTHS)
