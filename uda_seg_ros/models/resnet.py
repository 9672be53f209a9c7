"""ResNet-50 and -101 as an encoder at 1/8 (He et al., 2016, arXiv 1512.03385; dilation as in DeepLab).

Parameters carry the names that published ImageNet weights use (conv1, bn1, layer1.0.conv1 ...).
"""

from __future__ import annotations

import torch
from torch import nn

DEPTHS: dict[str, tuple[int, int, int, int]] = {'resnet50': (3, 4, 6, 3), 'resnet101': (3, 4, 23, 3)}


class Bottleneck(nn.Module):
    """1x1 down, 3x3 (with stride and dilation), 1x1 up to four times `channels`, added to the input."""

    expansion = 4

    def __init__(self, inputs: int, channels: int, stride: int, dilation: int) -> None:
        super().__init__()
        outputs = channels * self.expansion
        self.conv1 = nn.Conv2d(inputs, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + shortcut)


class ResNet(nn.Module):
    """image B3HW -> four maps: 256 channels at 1/4, then 512, 1024 and 2048 at 1/8.

    The last two stages keep the resolution and dilate by 2 and 4 instead of striding.
    """

    def __init__(self, depths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = _stage(64, 64, depths[0])
        self.layer2 = _stage(256, 128, depths[1], stride=2)
        self.layer3 = _stage(512, 256, depths[2], dilation=2)
        self.layer4 = _stage(1024, 512, depths[3], dilation=4)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        maps = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            maps.append(x)
        return tuple(maps)


def _stage(inputs: int, channels: int, depth: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    first = Bottleneck(inputs, channels, stride, max(1, dilation // 2))
    outputs = channels * Bottleneck.expansion
    return nn.Sequential(first, *(Bottleneck(outputs, channels, 1, dilation) for _ in range(depth - 1)))
