"""The network as it came: what all others are measured against; its signals are those that no learner can fool."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...bundle import Bundle
from ...runtime.engine import Engine
from ...runtime.postprocess import Want
from ...shift_signals import feature_distance, feature_moments, picture_signals, pixel_entropy
from ...source_statistics import SourceStatistics, StatisticsError
from ...structures import Frame
from .base import Answer, Setting


class Frozen:
    """The engine of the vehicle with the bundle's weights. Its signals are those of shift_signals."""

    @dataclass(frozen=True)
    class Config:
        pass

    def __init__(self, setting: Setting, config: Config = Config()) -> None:
        self._engine = Engine(setting.bundle, device=setting.device, size=setting.size)
        self._source = _statistics(setting.bundle)

    @torch.inference_mode()
    def __call__(self, frame: Frame, index: int) -> Answer:
        preprocess, network, postprocess = self._engine.stages()
        size = frame.image.shape[:2]
        features = network.forward_features(preprocess([frame.image], self._engine.network_size(*size)))
        logits = network.forward_head(features)
        brightness, contrast, high_frequency, sharpness = picture_signals(frame.image)
        signals = {'entropy': float(pixel_entropy(logits).mean()), 'brightness': brightness, 'contrast': contrast,
                   'high_frequency': high_frequency, 'sharpness': sharpness}
        if self._source is not None:
            moments = [type(layer)(*(values.cpu() for values in layer)) for layer in feature_moments(features)[0]]
            signals['feature_distance'] = feature_distance(moments, self._source.features)
        return Answer(postprocess(logits[0], size, Want()).mask, signals=signals)


def _statistics(bundle: Bundle) -> SourceStatistics | None:
    """None for a bundle that carries none."""
    try:
        return SourceStatistics.of(bundle.replay or {})
    except StatisticsError:
        return None
