"""BatchNorm by a mix of the source's statistics and the frame's own, without gradients, forgotten after every frame.

Schneider et al., 2020, arXiv 2006.16971; the share 0.5 as the floor for a single frame: OASIS, Volpi et al., 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ...config import ConfigError
from ...structures import Frame
from .base import Answer, Learner, Setting


class MixedNorm(nn.BatchNorm2d):
    """A BatchNorm whose statistics are mixed anew in every forward pass; its buffers stay the source's.

    mean = (1 - b) m0 + b m; variance = (1 - b) v0 + b v + b (1 - b) (m - m0)^2, that of the mixture of both. A layer that
    sees one value a channel keeps the source's: a variance of 0 would erase it.
    """

    share = 0.5

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if values.shape[2:].numel() * len(values) < 2:
            mean, var = self.running_mean, self.running_var
        else:
            own_var, own_mean = torch.var_mean(values, dim=(0, 2, 3), unbiased=False)
            b = self.share
            mean = torch.lerp(self.running_mean, own_mean, b)
            var = torch.lerp(self.running_var, own_var, b) + b * (1 - b) * (own_mean - self.running_mean) ** 2
        return self._normalised(values, mean, var)

    def _normalised(self, values: torch.Tensor, mean: torch.Tensor, var: torch.Tensor) -> torch.Tensor:
        """By elementary operations: gradients flow through the frame's own statistics, which batch_norm's do not."""
        scale = self.weight * torch.rsqrt(var + self.eps)
        return torch.addcmul((self.bias - mean * scale)[None, :, None, None], values, scale[None, :, None, None])


def mix_norms(network: nn.Module, share: float) -> nn.Module:
    """Every BatchNorm2d of a network becomes a MixedNorm, in place; tensors and their names stay."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d and module.affine and module.track_running_stats:
            module.__class__ = MixedNorm
            module.share = share
    return network


class BatchNormMix:
    """The frame's own statistics at a share, from the source's weights, frame by frame."""

    @dataclass(frozen=True)
    class Config:
        """share: of the frame's own statistics, 0 to 1."""

        share: float = 0.5

        def __post_init__(self) -> None:
            if not 0 <= self.share <= 1:
                raise ConfigError('share must be within 0 to 1')

    def __init__(self, setting: Setting, config: Config = Config()) -> None:
        self._learner = Learner(setting)
        mix_norms(self._learner.network, config.share)

    def __call__(self, frame: Frame, index: int) -> Answer:
        return Answer(self._learner.segment(frame))
