"""What is normal on the source, for the vehicle's shift detector: stored in replay.safetensors below `statistics.`.

| tensor | shape | meaning |
|---|---|---|
| statistics.feature_mean.L, statistics.feature_var.L | D float32 | of layer L's channels over all pixels of all pictures |
| statistics.signals | Nx6 float32 | shift_signals.SIGNALS of each picture, for quantiles and cumulative distributions |
| statistics.class_shares | NxC float32 | share of each picture's pixels that is predicted as each class |
| statistics.class_prior | C float32 | share of all labelled pixels that is of each class |
| statistics.entropy, statistics.confidence | 64 int64 | pixels by entropy and by confidence, in equal bins of 0..1 |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from .shift_signals import SIGNALS, Moments

PREFIX, NUM_BINS = 'statistics.', 64


class StatisticsError(ValueError):
    """A bundle's source statistics are missing or damaged. The text says what."""


@dataclass(frozen=True, eq=False)
class SourceStatistics:
    """Measured on pictures of the clean source, chosen at random; shapes as in the table above."""

    features: tuple[Moments, ...]
    signals: torch.Tensor
    class_shares: torch.Tensor
    class_prior: torch.Tensor
    entropy: torch.Tensor
    confidence: torch.Tensor

    @property
    def num_pictures(self) -> int:
        return len(self.signals)

    def quantile(self, signal: str, share: float) -> float:
        """The value that `share` (0..1) of the source's pictures do not exceed."""
        return float(self.signals[:, SIGNALS.index(signal)].quantile(share))

    def tensors(self) -> dict[str, torch.Tensor]:
        """For the bundle."""
        found = {name: getattr(self, name) for name in ('signals', 'class_shares', 'class_prior', 'entropy', 'confidence')}
        for layer, moments in enumerate(self.features):
            found |= {f'feature_{name}.{layer}': values for name, values in moments._asdict().items()}
        return {PREFIX + name: tensor for name, tensor in found.items()}

    @staticmethod
    def of(tensors: Mapping[str, torch.Tensor]) -> SourceStatistics:
        """From a bundle's replay tensors. Raises StatisticsError."""
        own = {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items() if name.startswith(PREFIX)}
        if not own:
            raise StatisticsError('no source statistics; export the bundle with source data')
        if wrong := sorted(name for name, tensor in own.items() if not tensor.isfinite().all()):
            raise StatisticsError(f'source statistics: {PREFIX}{wrong[0]} holds what is no number; export the bundle again')
        layers = range(sum(name.startswith('feature_mean.') for name in own))
        try:
            features = tuple(Moments(own[f'feature_mean.{layer}'], own[f'feature_var.{layer}']) for layer in layers)
            statistics = SourceStatistics(features, own['signals'], own['class_shares'], own['class_prior'],
                                          own['entropy'], own['confidence'])
        except KeyError as error:
            raise StatisticsError(f'source statistics: no tensor {PREFIX}{error.args[0]}; export the bundle again') from None
        if statistics.signals.ndim != 2 or statistics.signals.shape[1] != len(SIGNALS):
            raise StatisticsError(f'source statistics: {PREFIX}signals has shape {tuple(statistics.signals.shape)}, needed '
                                  f'are {len(SIGNALS)} columns; export the bundle again')
        return statistics
