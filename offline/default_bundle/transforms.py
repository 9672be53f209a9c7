"""Pictures and labels to training crops: scale, crop, flip, colour. Random by the generator that is handed in."""

from __future__ import annotations

import cv2
import numpy as np

from ..loading.crops import random_window
from .recipe import Augmentation


def random_crop(image: np.ndarray, label: np.ndarray, augmentation: Augmentation,
                random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A crop at a random scale and place, mirrored half of the time. image HxWx3, label HxW, both uint8.

    The picture is interpolated bilinearly, as on the vehicle; the label takes the nearest pixel.
    """
    height, width = augmentation.crop
    window = random_window(image.shape[:2], augmentation.crop, augmentation.scale, random)
    return (cv2.resize(window.of(image), (width, height), interpolation=cv2.INTER_LINEAR),
            cv2.resize(window.of(label), (width, height), interpolation=cv2.INTER_NEAREST))


def random_colour(image: np.ndarray, augmentation: Augmentation, random: np.random.Generator) -> np.ndarray:
    """Another brightness, contrast, saturation and hue. image HxWx3 uint8 RGB; returns the same."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    level = np.arange(256)
    saturation = level * random.uniform(1 - augmentation.saturation, 1 + augmentation.saturation)
    hue = (level + random.uniform(-augmentation.hue, augmentation.hue) / 2) % 180  # OpenCV counts hue in steps of 2 degrees
    contrast = random.uniform(1 - augmentation.contrast, 1 + augmentation.contrast)
    brightness = random.uniform(1 - augmentation.brightness, 1 + augmentation.brightness)
    value = ((level - 128) * contrast + 128) * brightness
    table = np.stack([hue, saturation, value], 1).clip(0, 255).round().astype(np.uint8)[None]
    return cv2.cvtColor(cv2.LUT(hsv, table), cv2.COLOR_HSV2RGB)


def random_sensor(image: np.ndarray, augmentation: Augmentation, random: np.random.Generator) -> np.ndarray:
    """Another camera: blur on half of the pictures, and noise. image HxWx3 uint8; returns the same."""
    if augmentation.blur > 0 and random.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.1, 1) * augmentation.blur)
    noise = random.standard_normal(image.shape, np.float32) * np.float32(random.uniform(0, augmentation.noise))
    return cv2.add(image, noise, dtype=cv2.CV_8U)
