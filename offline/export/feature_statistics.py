"""Measure what is normal on the source, as the vehicle's engine sees it."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import torch

from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.shift_signals import Moments, feature_distance, feature_moments, picture_signals, pixel_entropy, pooled
from uda_seg_ros.source_statistics import NUM_BINS, SourceStatistics

from ..samples import Sample


def source_statistics(engine: Engine, samples: Iterable[Sample]) -> SourceStatistics:
    """Over labelled pictures of the clean source, whole, each for itself. Raises ValueError without any."""
    seen = Seen(engine)
    for sample in samples:
        seen.add(sample)
    return seen.statistics()


class Seen:
    """Collects what each picture shows. Pictures' own moments are kept: their distance needs those of all."""

    def __init__(self, engine: Engine) -> None:
        self._preprocess, self._network, _ = engine.stages()
        self._size_of = engine.network_size
        self._num_classes = engine.labels.num_classes
        self._moments: list[list[Moments]] = []
        self._signals: list[tuple[float, ...]] = []
        self._shares: list[torch.Tensor] = []
        self._pixels = np.zeros(256, np.int64)
        self._entropy, self._confidence = (torch.zeros(NUM_BINS, dtype=torch.int64) for _ in range(2))

    @torch.inference_mode()
    def add(self, sample: Sample) -> None:
        size = self._size_of(*sample.image.shape[:2])
        features = self._network.forward_features(self._preprocess([sample.image], size))
        logits = self._network.forward_head(features).float()
        self._moments.append([Moments(*(values.cpu() for values in layer)) for layer in feature_moments(features)[0]])
        entropy = pixel_entropy(logits).cpu()
        confidence, mask = (values.cpu() for values in logits.softmax(1).max(1))
        small = cv2.resize(sample.image, size[::-1], interpolation=cv2.INTER_LINEAR)
        self._signals.append((float(entropy.mean()), *picture_signals(small)))
        self._shares.append(torch.bincount(mask.reshape(-1), minlength=self._num_classes) / mask.numel())
        self._entropy += histogram(entropy)
        self._confidence += histogram(confidence)
        if sample.label is not None:
            self._pixels += np.bincount(sample.label.reshape(-1), minlength=256)

    def statistics(self) -> SourceStatistics:
        if not self._moments:
            raise ValueError('no pictures to measure')
        source = [pooled([moments[layer] for moments in self._moments]) for layer in range(len(self._moments[0]))]
        signals = [(feature_distance(moments, source), *others) for moments, others in zip(self._moments, self._signals)]
        labelled = torch.from_numpy(self._pixels[: self._num_classes]).float()
        return SourceStatistics(tuple(source), torch.tensor(signals), torch.stack(self._shares),
                                labelled / labelled.sum().clamp(min=1), self._entropy, self._confidence)


def histogram(values: torch.Tensor) -> torch.Tensor:
    """NUM_BINS int64: how many values of 0..1 lie in which bin; 1 lies in the last."""
    return torch.bincount((values.reshape(-1) * NUM_BINS).long().clamp(max=NUM_BINS - 1), minlength=NUM_BINS)
