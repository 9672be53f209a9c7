"""Fast-SCNN: a light network for CPUs (Poudel, Liwicki, Cipolla, 2019, arXiv 1902.04502).

A few early layers are shared by a fine branch at 1/8 and a coarse one at 1/32 that sees the whole picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from ..config import from_mapping
from .base import SegmentationModel
from .layers import ConvNorm, SeparableConv, initialise_convolutions
from .resize import resize_features


class InvertedResidual(nn.Module):
    """1x1 to `expand` times the channels, 3x3 on each channel, 1x1 back; added to the input where the shapes allow."""

    def __init__(self, inputs: int, outputs: int, stride: int, expand: int = 6) -> None:
        super().__init__()
        hidden = inputs * expand
        self.residual = stride == 1 and inputs == outputs
        self.layers = nn.Sequential(
            ConvNorm(inputs, hidden, 1), ConvNorm(hidden, hidden, stride=stride, groups=hidden),
            ConvNorm(hidden, outputs, 1, relu=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x) if self.residual else self.layers(x)


class PyramidPooling(nn.Module):
    """Means over the whole map and over grids of up to 2x2, 3x3 and 6x6 cells, beside the map itself (PSPNet).

    The pooled branches carry a bias, not BatchNorm: a 1x1 map of one picture has no statistics, and training at batch 1
    must work. The cells have equal whole sizes, the last of a row or column may be smaller: unlike adaptive pooling this
    exports to every runtime.
    """

    def __init__(self, channels: int, bins: tuple[int, ...] = (1, 2, 3, 6)) -> None:
        super().__init__()
        self.bins = bins
        self.branches = nn.ModuleList(nn.Conv2d(channels, channels // len(bins), 1) for _ in bins)
        self.merge = ConvNorm(channels + channels // len(bins) * len(bins), channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        size = (int(x.shape[-2]), int(x.shape[-1]))
        maps = [x]
        for bins, branch in zip(self.bins, self.branches):
            cell = (math.ceil(size[0] / bins), math.ceil(size[1] / bins))
            pooled = functional.avg_pool2d(x, cell, cell, ceil_mode=True, count_include_pad=False)
            maps.append(resize_features(functional.relu(branch(pooled)), size))
        return self.merge(torch.cat(maps, 1))


class FeatureFusion(nn.Module):
    """Add the coarse map, enlarged and refined, to the fine one."""

    def __init__(self, fine: int, coarse: int, outputs: int) -> None:
        super().__init__()
        self.refine = ConvNorm(coarse, coarse, dilation=4, groups=coarse)
        self.coarse = ConvNorm(coarse, outputs, 1, relu=False)
        self.fine = ConvNorm(fine, outputs, 1, relu=False)

    def forward(self, fine: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
        coarse = self.refine(resize_features(coarse, tuple(fine.shape[-2:])))
        return functional.relu(self.fine(fine) + self.coarse(coarse))


class FastSCNN(SegmentationModel):
    """Features: (1/8, 1/32); logits at 1/8; 1.1 M parameters at width 1."""

    stride, head_parts = 8, ('fusion', 'classifier')

    @dataclass(frozen=True)
    class Settings:
        """width: factor on every number of channels. dropout: share of channels dropped before the classifier."""

        width: float = 1.0
        dropout: float = 0.1

        def __post_init__(self) -> None:
            if self.width <= 0:
                raise ValueError(f'width must be above 0, got {self.width}')

    def __init__(self, num_classes: int, settings: Settings) -> None:
        super().__init__(num_classes)
        c32, c48, c64, c96, c128 = (max(8, round(c * settings.width / 8) * 8) for c in (32, 48, 64, 96, 128))
        self.fine = nn.Sequential(
            ConvNorm(3, c32, stride=2), SeparableConv(c32, c48, stride=2), SeparableConv(c48, c64, stride=2))
        stages = ((c64, c64, 2), (c64, c96, 2), (c96, c128, 1))
        self.coarse = nn.Sequential(
            *(InvertedResidual(inputs if first else outputs, outputs, stride if first else 1)
              for inputs, outputs, stride in stages for first in (True, False, False)),
            PyramidPooling(c128))
        self.fusion = FeatureFusion(c64, c128, c128)
        self.classifier = nn.Sequential(
            SeparableConv(c128, c128), SeparableConv(c128, c128), nn.Dropout2d(settings.dropout),
            nn.Conv2d(c128, num_classes, 1))
        self.embedding_channels = c128
        initialise_convolutions(self)

    def forward_features(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        fine = self.fine(image)
        return fine, self.coarse(fine)

    def forward_embedding(self, features: tuple[torch.Tensor, ...]) -> torch.Tensor:
        first, second, _, _ = self.classifier
        return second(first(self.fusion(*features)))

    def forward_classifier(self, embedding: torch.Tensor) -> torch.Tensor:
        _, _, dropout, classifier = self.classifier
        return classifier(dropout(embedding))


def fast_scnn(num_classes: int, **settings) -> FastSCNN:
    return FastSCNN(num_classes, from_mapping(FastSCNN.Settings, settings, 'fast_scnn'))
