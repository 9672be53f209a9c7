"""ClassMix, and the masks of mixing: pixels of drawn classes come from one picture, the rest from another.

Source: Olsson et al., 2021, arXiv 2007.07936; DACS, Tranheden et al., 2021, arXiv 2007.08702; block mask: MIC, 2212.01322.
"""

from __future__ import annotations

from typing import Literal

import torch

from ..labels import IGNORE


def draw_classes(label: torch.Tensor, rounding: Literal['up', 'down'] = 'up', always_ignore: bool = False,
                 per: Literal['image', 'batch'] = 'image') -> torch.Tensor:
    """Bx256 bool: half of the values of each label map, drawn at random; IGNORE counts as a value.

    rounding: of the half: 'up' (DAFormer) or 'down' (DiGA). always_ignore: IGNORE is added to the drawn (DiGA). per: draw
    from each image's own values, or for each image from those of the whole batch (DAFormer).
    """
    present = torch.zeros(len(label), 256, dtype=torch.bool, device=label.device).scatter_(1, label.flatten(1), True)
    if per == 'batch':
        present = present.any(0, keepdim=True).expand_as(present)
    count = present.sum(1, keepdim=True)
    wanted = (count + 1) // 2 if rounding == 'up' else count // 2
    score = torch.rand(present.shape, device=label.device).masked_fill(~present, 2.0)
    drawn = present & (score.argsort(1).argsort(1) < wanted)
    if always_ignore:
        drawn[:, IGNORE] = True
    return drawn


def class_mask(label: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
    """mix_mask BHW bool: where the label is one of the drawn classes."""
    return drawn.gather(1, label.flatten(1)).view_as(label)


def mix(mix_mask: torch.Tensor, inside: torch.Tensor, outside: torch.Tensor) -> torch.Tensor:
    """`inside` where the mask is set, else `outside`. mask BHW; the others BHW or B*HW."""
    return torch.where(mix_mask if inside.ndim == 3 else mix_mask[:, None], inside, outside)


def block_mask(image: torch.Tensor, block: int = 64, ratio: float = 0.7) -> torch.Tensor:
    """B1HW float: 0 on a random share `ratio` of the blocks of block x block pixels, else 1 (MIC's masked image)."""
    batch, _, height, width = image.shape
    rows, columns = -(-height // block), -(-width // block)
    kept = (torch.rand(batch, 1, rows, columns, device=image.device) > ratio).to(image.dtype)
    return kept.repeat_interleave(block, 2).repeat_interleave(block, 3)[:, :, :height, :width]
