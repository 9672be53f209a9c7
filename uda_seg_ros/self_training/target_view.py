"""What the target becomes before a network learns from it: labelled by a teacher, mixed with the source, partly hidden.

Source: DACS, Tranheden et al., 2021, arXiv 2007.08702; DAFormer, Hoyer et al., 2022, arXiv 2111.14887; hidden blocks: MIC,
Hoyer et al., 2023, arXiv 2212.01322.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import torch

from ..config import ConfigError
from .augment import Photometric, photometric
from .mixing import block_mask, class_mask, draw_classes, mix
from .pseudo_label import THRESHOLD, clear_borders, confident_share, pseudo_label


@dataclass(frozen=True)
class Masked:
    """MIC's masked target image. weight: of its loss, 0 is off. block: its side in pixels. ratio: share of blocks hidden."""

    weight: float = 0.0
    block: int = 64
    ratio: float = 0.7

    def __post_init__(self) -> None:
        if self.block < 1 or not 0 <= self.ratio <= 1:
            raise ConfigError('block must be 1 or more, ratio within 0 to 1')


@dataclass(frozen=True)
class ViewSettings:
    """How views are made; the defaults are DAFormer's. A method's Config derives from it.

    threshold, share_per: a pseudo-label's weight is the share of pixels of at least this confidence, of the batch or of
    each image. ignore_borders: top, bottom, left, right pixels of the target crop without weight. classes_per: half of
    the classes in the batch or in each image are pasted. photometric: of mixed and masked image.
    """

    threshold: float = THRESHOLD
    share_per: Literal['batch', 'image'] = 'batch'
    ignore_borders: tuple[int, int, int, int] = (0, 0, 0, 0)
    classes_per: Literal['batch', 'image'] = 'batch'
    photometric: Photometric | None = field(default_factory=Photometric)
    masked: Masked = Masked()

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1 or min(self.ignore_borders) < 0:
            raise ConfigError('threshold must be within 0 to 1, ignore_borders 0 or more pixels')


@dataclass(frozen=True, eq=False)
class View:
    """image: B3HW in 0..1. label: BHW. pixel_weight: BHW. pasted: BHW bool, of a mixed view the pixels of the source."""

    image: torch.Tensor
    label: torch.Tensor
    pixel_weight: torch.Tensor
    pasted: torch.Tensor | None = None


def source_view(image: torch.Tensor, label: torch.Tensor) -> View:
    """The source as it is: every pixel weighs 1."""
    return View(image, label, torch.ones_like(label, dtype=torch.float32))


def target_view(image: torch.Tensor, teacher_logits: torch.Tensor, settings: ViewSettings) -> View:
    """The target as it is, with the teacher's labels; all pixels weigh as much as the share of confident ones."""
    label, confidence = pseudo_label(teacher_logits)
    share = confident_share(confidence, settings.threshold, settings.share_per)
    return View(image, label, clear_borders(share.expand(label.shape), *settings.ignore_borders))


def mixed_view(source: View, target: View, settings: ViewSettings) -> View:
    """Pixels of half of the source's classes, with their labels and weight, on the target; then augmented."""
    mask = class_mask(source.label, draw_classes(source.label, per=settings.classes_per))
    return View(_augmented(mix(mask, source.image, target.image), settings), mix(mask, source.label, target.label),
                mix(mask, source.pixel_weight, target.pixel_weight), mask)


def masked_view(target: View, hidden_colour: torch.Tensor, settings: ViewSettings) -> View:
    """The augmented target, most of its blocks painted over. hidden_colour: what normalises to 0, 1x3x1x1."""
    image = _augmented(target.image, settings)
    kept = block_mask(image, settings.masked.block, settings.masked.ratio)
    return replace(target, image=image * kept + hidden_colour * (1 - kept))


def _augmented(image: torch.Tensor, settings: ViewSettings) -> torch.Tensor:
    return image if settings.photometric is None else photometric(image, settings.photometric)
