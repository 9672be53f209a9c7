"""The two convolution blocks that several networks are made of."""

from __future__ import annotations

from torch import nn


class ConvNorm(nn.Sequential):
    """Convolution without bias, BatchNorm and, unless told otherwise, ReLU. Keeps the size but for the stride."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, dilation: int = 1,
                 groups: int = 1, relu: bool = True) -> None:
        layers = [nn.Conv2d(inputs, outputs, kernel, stride, dilation * (kernel // 2), dilation, groups, bias=False),
                  nn.BatchNorm2d(outputs)]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if relu else []))


class SeparableConv(nn.Sequential):
    """A 3x3 convolution of each channel for itself, then a 1x1 across them, each with BatchNorm and ReLU."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__(ConvNorm(inputs, inputs, stride=stride, groups=inputs), ConvNorm(inputs, outputs, 1))


def initialise_convolutions(network: nn.Module) -> None:
    """He initialisation of every convolution, for ReLU networks trained from random weights; biases start at 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:  # there it would only cost time
            nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
            if module.bias is not None:
                nn.init.zeros_(module.bias)
