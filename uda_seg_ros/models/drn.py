"""DRN-D-22 and -38: dilated residual networks without gridding (Yu, Koltun, Funkhouser, 2017, arXiv 1705.09914)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from ..config import from_mapping
from .base import SegmentationModel
from .layers import ConvNorm, initialise_convolutions

CHANNELS = (16, 32, 64, 128, 256, 512, 512, 512)
DEPTHS: dict[str, tuple[int, ...]] = {'22': (1, 1, 2, 2, 2, 2, 1, 1), '38': (1, 1, 3, 4, 6, 3, 1, 1)}


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, added to the input."""

    def __init__(self, inputs: int, outputs: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inputs, outputs, stride=stride, dilation=dilation)
        self.conv2 = ConvNorm(outputs, outputs, dilation=dilation, relu=False)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = ConvNorm(inputs, outputs, 1, stride=stride, relu=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.conv2(self.conv1(x)) + shortcut)


class DRN(SegmentationModel):
    """Features: levels 2 to 8 at 1/2, 1/4 and five times 1/8; logits at 1/8.

    Levels 1, 2, 7 and 8 are plain convolutions: the first two take the place of max pooling, and the last two, of falling
    dilation, remove the grid that dilated residual blocks leave behind.
    """

    multiple, stride, head_parts = 8, 8, ('classifier',)
    auxiliary_feature = -3  # level 6, the last residual one (DAKD)
    embedding_channels = CHANNELS[-1]

    @dataclass(frozen=True)
    class Settings:
        """Nothing can be set."""

    def __init__(self, num_classes: int, depths: tuple[int, ...], settings: Settings) -> None:
        super().__init__(num_classes)
        c = CHANNELS
        self.stem = nn.Sequential(ConvNorm(3, c[0], 7), _plain(c[0], c[0], depths[0]))
        self.levels = nn.ModuleList((
            _plain(c[0], c[1], depths[1], stride=2),
            _residual(c[1], c[2], depths[2], stride=2),
            _residual(c[2], c[3], depths[3], stride=2),
            _residual(c[3], c[4], depths[4], dilation=2),
            _residual(c[4], c[5], depths[5], dilation=4),
            _plain(c[5], c[6], depths[6], dilation=2),
            _plain(c[6], c[7], depths[7])))
        self.classifier = nn.Conv2d(c[7], num_classes, 1)
        initialise_convolutions(self)

    def forward_features(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self.stem(image)
        maps = []
        for level in self.levels:
            x = level(x)
            maps.append(x)
        return tuple(maps)

    def forward_embedding(self, features: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return features[-1]

    def forward_classifier(self, embedding: torch.Tensor) -> torch.Tensor:
        return self.classifier(embedding)


def _plain(inputs: int, outputs: int, depth: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(*(ConvNorm(outputs if i else inputs, outputs, stride=1 if i else stride, dilation=dilation)
                           for i in range(depth)))


def _residual(inputs: int, outputs: int, depth: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(*(BasicBlock(outputs if i else inputs, outputs, 1 if i else stride, dilation)
                           for i in range(depth)))


def _variant(name: str, num_classes: int, **settings) -> DRN:
    return DRN(num_classes, DEPTHS[name], from_mapping(DRN.Settings, settings, f'drn_d_{name}'))


drn_d_22, drn_d_38 = (partial(_variant, name) for name in DEPTHS)
