"""How unusual a picture is, against what is normal on the source: the shift score r and u, uniform on the source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from ..shift_signals import SIGNALS

IMAGE = [SIGNALS.index(name) for name in ('brightness', 'contrast', 'high_frequency')]


class Score(NamedTuple):
    """r: 0 at the source's median, 1 at its 99 % quantile. u: share of the source's pictures that are less unusual. name: of
    the signal that decided r.
    """

    r: float
    u: float
    name: str


class ShiftScore:
    """Three signals: distance of the features, entropy, and how far brightness, contrast and detail are from usual."""

    NAMES = ('features', 'entropy', 'image')

    def __init__(self, signals: torch.Tensor) -> None:
        """signals: Nx6 of source pictures at the size that is scored, columns as shift_signals.SIGNALS."""
        image = signals[:, IMAGE]
        self._mean, self._std = image.mean(0), image.std(0).clamp(min=1e-6)
        self._source = self._three(signals).T.contiguous().sort(1).values
        self._median, self._high = (self._source.quantile(share, 1) for share in (0.5, 0.99))
        self._most = torch.stack([self._shares(row).max() for row in self._three(signals)]).sort().values

    def __call__(self, signals: Sequence[float]) -> Score:
        three = self._three(torch.tensor([signals]))[0]
        scores = (three - self._median) / (self._high - self._median).clamp(min=1e-6)
        u = self._rank(self._most, self._shares(three).max())
        return Score(float(scores.max()), u, self.NAMES[int(scores.argmax())])

    def _three(self, signals: torch.Tensor) -> torch.Tensor:
        image = ((signals[:, IMAGE] - self._mean) / self._std).square().mean(1)
        return torch.stack([signals[:, 0], signals[:, 1], image], 1)

    def _shares(self, three: torch.Tensor) -> torch.Tensor:
        return torch.tensor([self._rank(column, value) for column, value in zip(self._source, three)])

    @staticmethod
    def _rank(column: torch.Tensor, value: torch.Tensor) -> float:
        """Middle rank among the sorted column, in 0..1."""
        low, high = (float(torch.searchsorted(column, value, right=right)) for right in (False, True))
        return ((low + high) / 2 + 0.5) / (len(column) + 1)
