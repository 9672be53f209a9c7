"""What one picture tells of a change of domain, without labels: measured alike at the desk and on the vehicle.

All is measured on the picture as the network gets it, after resizing. Which signals are worth what: the detector says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch

SIGNALS = ('feature_distance', 'entropy', 'brightness', 'contrast', 'high_frequency', 'sharpness')
TINY = 1e-6  # nats


class Moments(NamedTuple):
    """Mean and variance of each channel of one layer, D float32 each."""

    mean: torch.Tensor
    var: torch.Tensor


def feature_moments(features: Sequence[torch.Tensor]) -> list[list[Moments]]:
    """Over the pixels of a picture, for each layer of each picture. features: of forward_features, BDhw each."""
    layers = [torch.var_mean(layer.float(), dim=(2, 3), unbiased=False) for layer in features]
    return [[Moments(mean[index], var[index]) for var, mean in layers] for index in range(len(features[0]))]


def pooled(moments: Sequence[Moments]) -> Moments:
    """Mean and variance over the pixels of all pictures, each picture counting alike."""
    means, variances = (torch.stack(values).double() for values in zip(*moments))
    mean = means.mean(0)
    return Moments(mean.float(), ((variances + means ** 2).mean(0) - mean ** 2).clamp(min=0).float())


def feature_distance(picture: Sequence[Moments], source: Sequence[Moments], floor: float = 1e-6) -> float:
    """Mean over layers of sum over channels of KL(N(m, v) || N(m0, v0)), in nats.

    `0.5 * [(m - m0)^2 / v0 + v / v0 - 1 - ln(v / v0)]` per channel. floor: no variance counts as less, for dead channels.
    """
    distances = []
    for (mean, var), (source_mean, source_var) in zip(picture, source):
        var, source_var = var.clamp(min=floor), source_var.clamp(min=floor)
        ratio = var / source_var
        distances.append(0.5 * ((mean - source_mean) ** 2 / source_var + ratio - 1 - ratio.log()).sum())
    return float(torch.stack(distances).mean())


def pixel_entropy(logits: torch.Tensor) -> torch.Tensor:
    """Bhw float32 in 0..1 (1: all classes equally likely), at the logits' own resolution. logits: BChw."""
    log_probs = logits.float().log_softmax(1)
    return (-(log_probs.exp() * log_probs).sum(1) / np.log(max(2, logits.shape[1]))).clamp(0, 1)


def doubt(probs: torch.Tensor) -> torch.Tensor:
    """B float32 in 0..1: how little a picture's pixels tell of their class. probs: BChw.

    The pixels' mean entropy over the entropy of their mean: 1 less Theil's uncertainty coefficient. 0: each pixel is sure
    and the classes differ. 1: all pixels say the same, and it tells nothing that they may be sure of it.
    """
    among = torch.special.entr(probs.float()).sum(1).mean((1, 2))
    overall = torch.special.entr(probs.float().mean((2, 3))).sum(1)
    return ((among + TINY) / (overall + TINY)).clamp(0, 1)


def picture_signals(image: np.ndarray) -> tuple[float, float, float, float]:
    """(brightness, contrast, high_frequency, sharpness) of HxWx3 uint8 RGB.

    brightness, contrast: mean and standard deviation of grey in 0..1. high_frequency: share of the grey's energy around its
    mean that a 5x5 Gaussian takes away. sharpness: variance of the Laplacian of grey in 0..255, as quality tests use it.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    values = grey.astype(np.float32) / 255
    brightness, contrast = float(values.mean()), float(values.std())
    detail = values - cv2.GaussianBlur(values, (5, 5), 0)
    return (brightness, contrast, float((detail ** 2).mean() / max(contrast ** 2, 1e-8)),
            float(cv2.Laplacian(grey, cv2.CV_32F).var()))
