"""The mean teacher: a copy of the student whose weights follow it slowly (Tarvainen and Valpola, 2017, arXiv 1703.01780)."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from ..config import ConfigError


def ema_alpha(step: int, decay: float = 0.999) -> float:
    """Share of itself that the teacher keeps: 0 at step 0 (a copy), 0.9 at step 9, `decay` in the end."""
    return min(1 - 1 / (step + 1), decay)


@dataclass(frozen=True)
class Average:
    """decay: share of itself that the teacher keeps at each step, in the end.

    buffers: what becomes of BatchNorm's statistics: 'average' as the parameters, or 'copy' from the student. Counters are
    always copied. batch_statistics: normalise by the statistics of the batch at hand, which are the target's, as DACS and
    DAFormer do; the buffers follow the student all the same.
    """

    decay: float = 0.999
    buffers: Literal['average', 'copy'] = 'average'
    batch_statistics: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1:
            raise ConfigError('decay must be at least 0 and below 1')


class EMATeacher(nn.Module):
    """An exponential moving average of a student of the same architecture, in eval mode, without gradient."""

    def __init__(self, student: nn.Module, settings: Average = Average()) -> None:
        super().__init__()
        self.network = copy.deepcopy(student).requires_grad_(False).eval()
        self.settings = settings
        if settings.batch_statistics:
            for module in self.network.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.train()
                    module.momentum = 0.0  # the buffers stay as they are

    def train(self, mode: bool = True) -> EMATeacher:
        """A teacher keeps its mode whatever is asked."""
        self.training = False
        return self

    @torch.no_grad()
    def update(self, student: nn.Module, step: int) -> None:
        """Move towards the student; step 0 copies it. Call before the student's own step, as the hosts do."""
        alpha = ema_alpha(step, self.settings.decay)
        averaged, copied = self._pairs(student)
        if averaged:
            torch._foreach_lerp_(*map(list, zip(*averaged)), 1 - alpha)
        for own, new in copied:
            own.copy_(new)

    def _pairs(self, student: nn.Module) -> tuple[list, list]:
        averaged = list(zip(self.network.parameters(), student.parameters()))
        copied = []
        for own, new in zip(self.network.buffers(), student.buffers()):
            (averaged if self.settings.buffers == 'average' and own.is_floating_point() else copied).append((own, new))
        return averaged, copied

    @torch.no_grad()
    def forward(self, image: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
        """Logits of a normalised image."""
        return self.network(image, size)
