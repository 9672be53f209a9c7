"""What one training step sees: a source crop, as it is or in the target's colours, and a key-frame of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..replay import Crop
from ..self_training.augment import Photometric, photometric
from .memory import KeyFrame
from .pictures import as_image, cut, fitted, restyled, window

DEGRADE = Photometric(brightness=0.15, contrast=0.15, saturation=0.15, hue=0.02, blur=0.3)


@dataclass(frozen=True, eq=False)
class Batch:
    """Images 13HW in 0..1, labels 1HW int64 with IGNORE, target_weight 1HW in 0..1. styled: whether the source crop
    stands for the target. target, its label and its weight are None while no key-frame has a label.
    """

    source: torch.Tensor
    source_label: torch.Tensor
    styled: bool
    target: torch.Tensor | None = None
    target_label: torch.Tensor | None = None
    target_weight: torch.Tensor | None = None


def draw(source: Sequence[Crop], weights: np.ndarray, frames: Sequence[KeyFrame], styles: Sequence[np.ndarray], styled: bool,
         size: tuple[int, int], crop: tuple[int, int], rng: np.random.Generator, device: torch.device) -> Batch:
    """weights: chance of each source crop, summing to 1. frames: with labels. styles: pictures whose colours a styled crop
    may take; the source's own where there are none. size: of the network's input. Draws torch's own random numbers, too.
    """
    image, label = _source_crop(source[int(rng.choice(len(source), p=weights))], size, crop, rng, device)
    if styled and styles:
        style = as_image(styles[int(rng.integers(len(styles)))], device)
        image = photometric(restyled(image, style, float(rng.uniform(0.5, 1))), DEGRADE)
    if not frames:
        return Batch(image, label, styled)
    frame, place = frames[int(rng.integers(len(frames)))], window(size, crop, rng)
    seen, weight = (torch.from_numpy(cut(array, place)).to(device)[None] for array in (frame.seen.label, frame.seen.weight))
    return Batch(image, label, styled, as_image(cut(frame.picture, place), device), seen.long(), weight.float() / 255)


def rare_first(class_pixels: torch.Tensor) -> np.ndarray:
    """Chance of each crop: rare classes come as often as the crops that show them allow (DAFormer's sampling, softened)."""
    pixels = class_pixels.double()
    share = pixels.sum(0) / pixels.sum().clamp(min=1)
    within = pixels / pixels.sum(1, keepdim=True).clamp(min=1)
    chance = (within / share.clamp(min=1e-6).sqrt()).sum(1) + 1e-6
    return (chance / chance.sum()).numpy()


def _source_crop(crop: Crop, size: tuple[int, int], most: tuple[int, int], rng: np.random.Generator,
                 device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    image, label = fitted(crop, size)
    place = window(size, most, rng)
    return as_image(cut(image, place), device), torch.from_numpy(cut(label, place)).to(device).long()[None]
