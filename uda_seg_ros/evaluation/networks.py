"""One network on one picture: mask and confidence as the vehicle makes them, timed, and what the indicators need."""

from __future__ import annotations

import time
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ..bundle import Bundle
from ..online.anchor import Anchor
from ..online.settings import AdaptationError
from ..online.source import Calibration, Normal, Source
from ..runtime.engine import Engine
from ..runtime.postprocess import Want
from ..shift_signals import Moments, feature_distance, feature_moments, picture_signals, pixel_entropy


@dataclass(frozen=True, eq=False)
class View:
    """What a network says of a picture.

    mask, confidence: HxW uint8, 255 is certain. entropy: mean over the logits' pixels in 0..1. moments: of the features.
    took_ns: preprocessing, network and mask, without the entropy.
    """

    mask: np.ndarray
    confidence: np.ndarray
    entropy: float
    moments: tuple[Moments, ...]
    took_ns: int


@torch.inference_mode()
def look(engine: Engine, image: np.ndarray) -> View:
    """The stages of the engine on HxWx3 uint8 RGB. Raises EngineError after close()."""
    preprocess, network, postprocess = engine.stages()
    size = image.shape[:2]
    began_ns = time.perf_counter_ns()
    features = network.forward_features(preprocess([image], engine.network_size(*size)))
    logits = network.forward_head(features)
    answer = postprocess(logits[0], size, Want(confidence=True, threshold=engine.threshold))
    took_ns = time.perf_counter_ns() - began_ns
    moments = tuple(Moments(*(values.cpu() for values in layer)) for layer in feature_moments(features)[0])
    return View(answer.mask, answer.confidence, float(pixel_entropy(logits).mean()), moments, took_ns)


class ShiftMeter:
    """How unusual a picture is to the frozen network: 0 at the source's median, 1 at its 99 % quantile.

    missing: why nothing can be measured, '' where it can.
    """

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        self._engine, self._bundle, self.missing = engine, bundle, ''
        self._normal: dict[tuple[int, int], Normal] = {}
        try:
            self._source = Source(bundle)
        except AdaptationError as error:
            self._source, self.missing = None, str(error)

    def __call__(self, image: np.ndarray, frozen: View) -> float | None:
        """frozen: what the frozen network says of the image; None where the bundle carries no source to compare with."""
        if self._source is None:
            return None
        size = self._engine.network_size(*image.shape[:2])
        picture = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
        normal = self._normal_at(size)
        signals = (feature_distance(frozen.moments, normal.moments), frozen.entropy, *picture_signals(picture))
        return normal.score(signals).r

    def _normal_at(self, size: tuple[int, int]) -> Normal:
        """As the desk measured it, or measured now where the network runs at another size."""
        if size not in self._normal:
            normal = self._source.normal() if size == self._source.size else None
            calibration = Calibration(self._source, Anchor(self._bundle, self._engine.device), size)
            while normal is None:
                normal = calibration.piece()
            self._normal = {size: normal}
        return self._normal[size]
