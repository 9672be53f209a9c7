"""Encoder and decoder of the translator, and its discriminator (DiGA, arXiv 2304.02222, from the authors' code).

Inside, pictures are in -1..1; sides must be multiples of 4.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

BLOCKS = 4


class ConvNorm(nn.Sequential):
    """Convolution with mirrored borders, InstanceNorm and, unless told otherwise, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, relu: bool = True) -> None:
        layers = [nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, padding_mode='reflect'),
                  nn.InstanceNorm2d(outputs)]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if relu else []))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(ConvNorm(channels, channels, 3), ConvNorm(channels, channels, 3, relu=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


class Encoder(nn.Sequential):
    """B3HW in -1..1 to B(4 width)hw at 1/4."""

    def __init__(self, width: int = 64) -> None:
        super().__init__(ConvNorm(3, width, 7), ConvNorm(width, 2 * width, 4, stride=2),
                         ConvNorm(2 * width, 4 * width, 4, stride=2), *(ResidualBlock(4 * width) for _ in range(BLOCKS)))


class Decoder(nn.Sequential):
    """B(4 width)hw to B3HW in -1..1."""

    def __init__(self, width: int = 64) -> None:
        super().__init__(*(ResidualBlock(4 * width) for _ in range(BLOCKS)),
                         nn.Upsample(scale_factor=2), ConvNorm(4 * width, 2 * width, 5),
                         nn.Upsample(scale_factor=2), ConvNorm(2 * width, width, 5),
                         nn.Conv2d(width, 3, 7, padding=3, padding_mode='reflect'), nn.Tanh())


class Translator(nn.Module):
    """The encoder of one domain and the decoder of the other. steps_trained: 0 tells random weights from trained ones."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(width), Decoder(width)
        self.register_buffer('steps_trained', torch.zeros((), dtype=torch.int64))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """B3HW RGB in 0..1, to the same in the other domain's style."""
        return (self.decoder(self.encoder(image * 2 - 1)) + 1) / 2


class PatchDiscriminator(nn.Module):
    """Judges patches at three scales: four strided convolutions and a 1x1 each, LeakyReLU, no norm."""

    def __init__(self, width: int = 64, scales: int = 3) -> None:
        super().__init__()
        channels = (3, width, 2 * width, 4 * width, 8 * width)
        self.scales = nn.ModuleList(nn.Sequential(
            *(layer for inputs, outputs in pairwise(channels)
              for layer in (nn.Conv2d(inputs, outputs, 4, 2, 1, padding_mode='reflect'), nn.LeakyReLU(0.2))),
            nn.Conv2d(channels[-1], 1, 1)) for _ in range(scales))
        self.shrink = nn.AvgPool2d(3, 2, 1, count_include_pad=False)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """B1hw scores of the patches at each scale, near 1 for real ones. image: B3HW in -1..1, sides of 64 or more."""
        scores = []
        for scale in self.scales:
            scores.append(scale(image))
            image = self.shrink(image)
        return tuple(scores)
