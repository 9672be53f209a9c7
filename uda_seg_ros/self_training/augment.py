"""Photometric augmentation of image batches on their own device; each image draws its own numbers. B3HW RGB in 0..1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

_GREY = (0.299, 0.587, 0.114)
_TO_YIQ = (_GREY, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))
_FROM_YIQ = tuple(tuple(map(float, row)) for row in np.linalg.inv(_TO_YIQ))


@dataclass(frozen=True)
class Photometric:
    """What `photometric` does to an image; the defaults are DAFormer's for the mixed image.

    brightness, contrast, saturation: greatest change, as a factor. hue: greatest shift, 1 is the whole circle. jitter,
    grey, blur: the share of images that get it. sigma: least and greatest deviation of the blur in pixels of a picture
    512 pixels high.
    """

    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue: float = 0.2
    jitter: float = 0.8
    grey: float = 0.0
    blur: float = 0.5
    sigma: tuple[float, float] = (0.15, 1.15)


def photometric(image: torch.Tensor, settings: Photometric = Photometric()) -> torch.Tensor:
    """Jitter, grey and blur, each on its share of the images; in the image's own precision under autocast too."""
    image = jitter(image, settings)
    if settings.grey:
        image = torch.where(_chance(image, settings.grey), _grey(image).expand_as(image), image)
    if settings.blur:
        low, high = (sigma * image.shape[-2] / 512 for sigma in settings.sigma)
        with torch.autocast(image.device.type, enabled=False):
            blurred = gaussian_blur(image, max(low, 0.05), max(high, 0.06))
        image = torch.where(_chance(image, settings.blur), blurred, image)
    return image


def jitter(image: torch.Tensor, settings: Photometric) -> torch.Tensor:
    """Another brightness, contrast, saturation and hue, on the share `settings.jitter` of the images."""
    if not settings.jitter:
        return image
    changed = (image * _factor(image, settings.brightness)).clamp(0, 1)
    mean = _grey(changed).mean((2, 3), keepdim=True)
    changed = torch.lerp(mean, changed, _factor(image, settings.contrast)).clamp(0, 1)
    changed = torch.lerp(_grey(changed), changed, _factor(image, settings.saturation)).clamp(0, 1)
    if settings.hue:
        changed = _rotate_hue(changed, (_uniform(image) * 2 - 1) * settings.hue * 2 * math.pi).clamp(0, 1)
    return torch.where(_chance(image, settings.jitter), changed, image)


def gaussian_blur(image: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Blur each image with a deviation between low and high, in pixels."""
    radius = max(1, math.ceil(3 * high))
    offset = torch.arange(-radius, radius + 1, device=image.device, dtype=image.dtype)
    sigma = low + _uniform(image).flatten(1) * (high - low)
    kernel = torch.softmax(-offset ** 2 / (2 * sigma ** 2), 1).repeat_interleave(3, 0)
    batch, _, height, width = image.shape
    flat = functional.pad(image.reshape(1, batch * 3, height, width), (radius,) * 4, mode='replicate')
    flat = functional.conv2d(flat, kernel[:, None, None, :], groups=batch * 3)
    return functional.conv2d(flat, kernel[:, None, :, None], groups=batch * 3).view_as(image)


def _uniform(image: torch.Tensor) -> torch.Tensor:
    """B111 in 0..1."""
    return torch.rand(len(image), 1, 1, 1, device=image.device, dtype=image.dtype)


def _chance(image: torch.Tensor, share: float) -> torch.Tensor:
    return _uniform(image) < share


def _factor(image: torch.Tensor, most: float) -> torch.Tensor:
    return 1 + (_uniform(image) * 2 - 1) * most


def _weighted_sum(image: torch.Tensor, weights: Sequence[float]) -> torch.Tensor:
    """B1HW, over the channels. Numbers, not a tensor of them: bringing that to a GPU would make the host wait for it."""
    return sum(weight * channel for weight, channel in zip(weights, image.split(1, 1)))


def _grey(image: torch.Tensor) -> torch.Tensor:
    return _weighted_sum(image, _GREY)


def _rotate_hue(image: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """Turn the colour plane of YIQ by `angle` (B111, radians)."""
    luma, first, second = (_weighted_sum(image, row) for row in _TO_YIQ)
    cos, sin = angle.cos(), angle.sin()
    turned = torch.cat([luma, cos * first - sin * second, sin * first + cos * second], 1)
    return torch.cat([_weighted_sum(turned, row) for row in _FROM_YIQ], 1)
