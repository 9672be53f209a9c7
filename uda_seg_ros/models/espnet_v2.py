"""ESPNetv2 for segmentation: 0.1 to 0.8 M parameters (Mehta et al., 2019, arXiv 1811.11431, section 4.2).

Inside, maps are interpolated with aligned corners, as the published weights were trained; the logits themselves are
enlarged to `size` as those of every other network here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from ..config import from_mapping
from .base import SegmentationModel
from .eesp import ConvNormPReLU, Encoder, NormPReLU
from .layers import initialise_convolutions

PLANES = (64, 48, 32)  # of the decoder at 1/16, 1/8, 1/4
SCALES = (2.0, 1.5, 1.0, 0.5, 0.1)
FEWEST_CELLS = 5  # on each side of a map made smaller


class Pyramid(nn.Module):
    """Projection to few channels, a 3x3 of each at five scales, each channel's scales merged by a 3x3, 1x1 to `outputs`."""

    def __init__(self, inputs: int, projection: int, outputs: int, *, last: bool) -> None:
        super().__init__()
        self.project = ConvNormPReLU(inputs, projection, 1)
        self.stages = nn.ModuleList(
            nn.Conv2d(projection, projection, 3, padding=1, groups=projection, bias=False) for _ in SCALES)
        self.join = NormPReLU(projection * len(SCALES))
        self.merge = ConvNormPReLU(projection * len(SCALES), projection, 3, groups=projection)
        self.output = nn.Conv2d(projection, outputs, 1, bias=last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.project(x)
        maps = torch.stack([self._at_scale(x, stage, scale) for stage, scale in zip(self.stages, SCALES)], 1)
        # BatchNorm counts scale by scale, the grouped convolution channel by channel.
        joined = self.join(maps.flatten(1, 2)).unflatten(1, (len(SCALES), -1)).transpose(1, 2).flatten(1, 2)
        return self.output(self.merge(joined))

    @staticmethod
    def _at_scale(x: torch.Tensor, stage: nn.Conv2d, scale: float) -> torch.Tensor:
        size = (int(x.shape[-2]), int(x.shape[-1]))
        if scale == 1:
            return stage(x)
        scaled = tuple(max(FEWEST_CELLS, math.ceil(side * scale)) for side in size)
        if scale < 1:
            return _enlarge(stage(functional.adaptive_avg_pool2d(x, scaled)), size)
        return functional.adaptive_avg_pool2d(stage(_enlarge(x, scaled)), size)


class Lateral(nn.Module):
    """An encoder map brought to the decoder's channels, each weighted by what the whole picture holds."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.expand = ConvNormPReLU(inputs, outputs, 3, groups=math.gcd(inputs, outputs))
        self.gate = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.expand(x) * self.gate(x.mean((2, 3), keepdim=True)).sigmoid()


class Decoder(nn.Module):
    """From the coarsest map up: pyramid, twice the size, plus the encoder's map of that size."""

    def __init__(self, channels: tuple[int, ...], projection: int, num_classes: int) -> None:
        super().__init__()
        coarse_first = channels[::-1]
        inputs, outputs = (coarse_first[0], *PLANES), (*PLANES, num_classes)
        self.pyramids = nn.ModuleList(
            Pyramid(i, projection, o, last=o_index == len(PLANES)) for o_index, (i, o) in enumerate(zip(inputs, outputs)))
        self.norms = nn.ModuleList(NormPReLU(planes) for planes in PLANES)
        self.laterals = nn.ModuleList(Lateral(c, planes) for c, planes in zip(coarse_first[1:], PLANES))
        self.merges = nn.ModuleList(NormPReLU(planes) for planes in PLANES)

    def forward(self, features: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """All but the last pyramid."""
        x, *finer = features[::-1]
        for pyramid, norm, lateral, merge, feature in zip(self.pyramids, self.norms, self.laterals, self.merges, finer):
            x = _enlarge(norm(pyramid(x)), (int(feature.shape[-2]), int(feature.shape[-1])))
            x = merge(lateral(feature) + x)
        return x


class ESPNetV2(SegmentationModel):
    """Features at 1/2, 1/4, 1/8, 1/16; logits at 1/2. The last pyramid is the classifier."""

    multiple, stride, head_parts = 16, 2, ('decoder',)
    embedding_channels = PLANES[-1]

    @dataclass(frozen=True)
    class Settings:
        """scale: factor on the encoder's channels. projection: channels in the decoder's pyramids.

        Published weights of 20 and 21 classes have a projection of 10, half the classes; here it does not follow the
        number of classes, so that these weights fit any label space.
        """

        scale: Literal[0.5, 1.0, 1.5, 2.0] = 1.0
        projection: int = 10

        def __post_init__(self) -> None:
            if self.projection < 1:
                raise ValueError(f'projection must be 1 or more, got {self.projection}')

    def __init__(self, num_classes: int, settings: Settings) -> None:
        super().__init__(num_classes)
        self.encoder = Encoder(settings.scale)
        self.decoder = Decoder(self.encoder.channels, settings.projection, num_classes)
        initialise_convolutions(self)

    def forward_features(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.encoder(image)

    def forward_embedding(self, features: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return self.decoder(features)

    def forward_classifier(self, embedding: torch.Tensor) -> torch.Tensor:
        return self.decoder.pyramids[-1](embedding)


def _enlarge(x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return functional.interpolate(x, size, mode='bilinear', align_corners=True)


def espnet_v2(num_classes: int, **settings) -> ESPNetV2:
    return ESPNetV2(num_classes, from_mapping(ESPNetV2.Settings, settings, 'espnet_v2'))
