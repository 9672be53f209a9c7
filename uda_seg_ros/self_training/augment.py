"""Photometric augmentation of image batches on their own device; each image draws its own numbers. B3HW RGB in 0..1."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

# Constants stay Python numbers: to copy a tensor of them to the device would make the host wait.
_GREY = (0.299, 0.587, 0.114)
_TO_YIQ = np.array((_GREY, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112)))
_FROM_YIQ = np.linalg.inv(_TO_YIQ)
# In YIQ a turn of the colour plane is brightness, cos times identity and sin times a quarter turn: here each in RGB.
_STILL, _COS, _SIN = (tuple(map(float, (_FROM_YIQ @ np.array(part) @ _TO_YIQ).flat)) for part in (
    ((1, 0, 0), (0, 0, 0), (0, 0, 0)), ((0, 0, 0), (0, 1, 0), (0, 0, 1)), ((0, 0, 0), (0, 0, -1), (0, 1, 0))))


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
    """Jitter, grey and blur, each on its share of the images. Not in half precision, even under autocast."""
    with torch.autocast(image.device.type, enabled=False):
        return _photometric(image, settings)


def _photometric(image: torch.Tensor, settings: Photometric) -> torch.Tensor:
    image = jitter(image, settings)
    if settings.grey:
        image = torch.where(_chance(image, settings.grey), _grey(image).expand_as(image), image)
    if settings.blur:
        low, high = (sigma * image.shape[-2] / 512 for sigma in settings.sigma)
        image = torch.where(_chance(image, settings.blur), gaussian_blur(image, max(low, 0.05), max(high, 0.06)), image)
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


def _grey(image: torch.Tensor) -> torch.Tensor:
    red, green, blue = image.split(1, 1)
    return red * _GREY[0] + green * _GREY[1] + blue * _GREY[2]


def _rotate_hue(image: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """Turn the colour plane of YIQ by `angle` (B111, radians)."""
    cos, sin = angle.cos().flatten(), angle.sin().flatten()
    entries = torch.stack([a + b * cos + c * sin for a, b, c in zip(_STILL, _COS, _SIN)], 1)
    return (entries.view(-1, 3, 3) @ image.flatten(2)).view_as(image)
