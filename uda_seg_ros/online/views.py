"""What the frozen network says of a picture in several views: of other sizes and mirrored, they err less than one alone.

The labels that the target is learned from, and that candidates are judged by on pictures held out. What learns has no part
in them, so that errors do not add up. Source: averaged views as CoTTA's teacher has them (arXiv 2203.13591), of the frozen
weights behind the target's statistics in place of a teacher that follows the student.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import interpolate

from .serving import Tensors

if TYPE_CHECKING:
    from .adapter import Adapter
    from .memory import KeyFrame
    from .trial import Masks


@dataclass(frozen=True, eq=False)
class ViewLabel:
    """label: HxW uint8 train ids. weight: HxW uint8, 255 times how sure the views are of it. share: of the target in the
    statistics that they were seen with.
    """

    label: np.ndarray
    weight: np.ndarray
    share: float

    def state_dict(self) -> dict:
        return {'label': torch.from_numpy(self.label), 'weight': torch.from_numpy(self.weight), 'share': self.share}

    @staticmethod
    def of(state: dict) -> ViewLabel:
        return ViewLabel(state['label'].numpy(), state['weight'].numpy(), state['share'])


def label_frame(adapter: Adapter, frame: KeyFrame) -> None:
    """Keep what the views say of a key-frame, with the statistics that are served."""
    share = adapter.served.now.share
    tensors = {**adapter.anchor.tensors, **adapter.floor.buffers(share)}
    scales = adapter.settings.training.scales_of(*adapter.eye.sizes)
    adapter.memory.label(frame, view_label(adapter.masks, tensors, frame.picture, share, scales,
                                           adapter.anchor.network.multiple))
    adapter.labelled_at = adapter.learner.step
    adapter.clock.begin('label')


@torch.inference_mode()
def view_label(masks: Masks, tensors: Tensors, picture: np.ndarray, share: float, scales: Sequence[float],
               multiple: int) -> ViewLabel:
    """picture: HxWx3 uint8 RGB. scales: of its sides, each seen mirrored as well. multiple: that a side must be one of."""
    size = picture.shape[:2]
    total = 0
    for scale in scales:
        wanted = tuple(max(1, round(side * scale / multiple)) * multiple for side in size)
        for mirrored in (False, True):
            logits = masks.logits(tensors, picture, seen=partial(_view, size=wanted, mirrored=mirrored), size=size).float()
            total = total + (logits.flip(3) if mirrored else logits).softmax(1)
    confidence, label = (total[0] / (2 * len(scales))).max(0)
    return ViewLabel(label.to(torch.uint8).cpu().numpy(), (255 * confidence).round().to(torch.uint8).cpu().numpy(), share)


def _view(image: torch.Tensor, size: tuple[int, int], mirrored: bool) -> torch.Tensor:
    if size != tuple(image.shape[2:]):
        image = interpolate(image, size, mode='bilinear', align_corners=False)
    return image.flip(3) if mirrored else image
