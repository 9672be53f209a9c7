"""ESPNetv2's encoder, built of EESP blocks (Mehta et al., 2019, arXiv 1811.11431, sections 3.1 and 3.2).

EESP: extremely efficient spatial pyramid of depth-wise dilated convolutions. Each level down also sees the picture itself,
made smaller by pooling ("input reinforcement").
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

BRANCHES = 4
REPEATS = (3, 7)  # blocks at 1/8 and at 1/16
CHANNELS: dict[float, tuple[int, int, int, int]] = {
    0.5: (16, 32, 64, 128), 1.0: (32, 64, 128, 256), 1.5: (32, 96, 192, 384), 2.0: (32, 128, 256, 512)}
WIDEST_VIEW = {'down': (13, 11, 9), 'blocks': (9, 7)}  # pixels of a level's map that a dilated kernel may span


class ConvNormPReLU(nn.Sequential):
    """Convolution without bias, BatchNorm and, unless told otherwise, PReLU with a slope for each channel."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1,
                 prelu: bool = True) -> None:
        layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
                  nn.BatchNorm2d(outputs)]
        super().__init__(*layers, *([nn.PReLU(outputs)] if prelu else []))


class NormPReLU(nn.Sequential):
    """BatchNorm and PReLU of a sum or a join, which no single convolution made."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.BatchNorm2d(channels), nn.PReLU(channels))


class EESP(nn.Module):
    """Grouped 1x1 down to a quarter, four dilated 3x3 of each channel, summed one after the other and joined, grouped 1x1.

    view: the widest kernel in pixels; branches that would be wider are not dilated.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, view: int) -> None:
        super().__init__()
        width = outputs // BRANCHES
        spans = [3 + 2 * branch for branch in range(BRANCHES)]
        dilations = sorted((span - 1) // 2 if span <= view else 1 for span in spans)
        self.reduce = ConvNormPReLU(inputs, width, 1, groups=BRANCHES)
        self.branches = nn.ModuleList(
            nn.Conv2d(width, width, 3, stride, dilation, dilation, groups=width, bias=False) for dilation in dilations)
        self.join = NormPReLU(outputs)
        self.expand = ConvNormPReLU(outputs, outputs, 1, groups=BRANCHES, prelu=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.reduce(x)
        maps = [self.branches[0](x)]
        for branch in self.branches[1:]:
            maps.append(maps[-1] + branch(x))
        return self.expand(self.join(torch.cat(maps, 1)))


class Residual(nn.Module):
    """An EESP block added to its input."""

    def __init__(self, channels: int, view: int) -> None:
        super().__init__()
        self.block = EESP(channels, channels, 1, view)
        self.activation = nn.PReLU(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.activation(self.block(x) + x)


class Down(nn.Module):
    """Half the size: the pooled input beside an EESP block of stride 2, plus a projection of the picture made as small."""

    def __init__(self, inputs: int, outputs: int, view: int) -> None:
        super().__init__()
        self.block = EESP(inputs, outputs - inputs, 2, view)
        self.reinforce = nn.Sequential(ConvNormPReLU(3, 3, 3), ConvNormPReLU(3, outputs, 1, prelu=False))
        self.activation = nn.PReLU(outputs)

    def forward(self, x: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        joined = torch.cat((_halve(x), self.block(x)), 1)
        return self.activation(joined + self.reinforce(picture))


class Encoder(nn.Module):
    """image B3HW -> four maps at 1/2, 1/4, 1/8, 1/16 with the channels of CHANNELS[scale]."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        c = self.channels = CHANNELS[scale]
        self.stem = ConvNormPReLU(3, c[0], 3, stride=2)
        self.downs = nn.ModuleList(Down(c[i], c[i + 1], view) for i, view in enumerate(WIDEST_VIEW['down']))
        self.blocks = nn.ModuleList(
            nn.Sequential(*(Residual(c[i + 2], view) for _ in range(REPEATS[i])))
            for i, view in enumerate(WIDEST_VIEW['blocks']))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x, picture = self.stem(image), _halve(image)
        maps = [x]
        for down, blocks in zip(self.downs, (None, *self.blocks)):
            picture = _halve(picture)
            x = down(x, picture)
            x = x if blocks is None else blocks(x)
            maps.append(x)
        return tuple(maps)


def _halve(x: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(x, 3, 2, 1)
