"""One mean feature vector a class: the second opinion of DiGA's consensus (arXiv 2304.02222, section on self-training)."""

from __future__ import annotations

import torch
from torch import distributed, nn
from torch.nn import functional

from ..labels import IGNORE

FEWEST_PIXELS = 5  # at the features' stride; a class of fewer in an image says nothing
MOST_COUNTED = 3000  # later vectors of the first estimate weigh 1 / (this + 1)


class Centroids(nn.Module):
    """vectors: CxD float. count: C, the number of image means each was estimated from; 0 where there is no centroid yet."""

    def __init__(self, num_classes: int, num_features: int) -> None:
        super().__init__()
        self.register_buffer('vectors', torch.zeros(num_classes, num_features))
        self.register_buffer('count', torch.zeros(num_classes, dtype=torch.int64))

    @torch.no_grad()
    def estimate(self, features: torch.Tensor, label: torch.Tensor) -> None:
        """Running mean over images. features: BDhw. label: Bhw int64 at the features' size, IGNORE where unknown."""
        for means, seen in zip(*class_means(features, label, len(self.vectors))):
            rate = (1 / (self.count.clamp(max=MOST_COUNTED) + 1))[:, None] * seen[:, None]
            self.vectors.lerp_(means, rate)
            self.count += seen

    @torch.no_grad()
    def follow(self, features: torch.Tensor, label: torch.Tensor, momentum: float = 1e-4) -> None:
        """Move by `momentum` towards each image's class means. Classes of too few pixels, or without a centroid, stay.

        Under torch.distributed the moves of all ranks are added: to first order as if one process had seen all images.
        """
        before = self.vectors.clone()
        for means, seen in zip(*class_means(features, label, len(self.vectors))):
            self.vectors.lerp_(means, momentum * (seen & (self.count > 0))[:, None].to(means.dtype))
        if distributed.is_available() and distributed.is_initialized():
            move = self.vectors - before
            distributed.all_reduce(move)
            self.vectors.copy_(before + move)

    def probs(self, features: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
        """softmax(-distance) over the classes, BCHW: bilinear to `size` (H, W) if given. No centroid: probability 0."""
        batch, _, height, width = features.shape
        with torch.autocast(features.device.type, enabled=False):
            distance = torch.cdist(features.float().flatten(2).mT, self.vectors.expand(batch, -1, -1))
        missing = self.count == 0
        probs = distance.masked_fill(missing, torch.inf).neg().softmax(2).masked_fill(missing, 0)  # all missing: NaN
        probs = probs.mT.unflatten(2, (height, width))
        return probs if size is None else functional.interpolate(probs, size, mode='bilinear', align_corners=False)

    def nearest(self, features: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
        """BHW int64: the class of the nearest centroid; IGNORE where no class has one."""
        label = self.probs(features, size).argmax(1)
        return torch.where((self.count > 0).any(), label, IGNORE)


def class_means(features: torch.Tensor, label: torch.Tensor, num_classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(means BxCxD, seen BxC bool): mean feature of each class in each image, and whether it has enough pixels."""
    member = (label.flatten(1)[:, None] == torch.arange(num_classes, device=label.device)[:, None]).float()  # IGNORE is none
    pixels = member.sum(2)
    with torch.autocast(features.device.type, enabled=False):  # a sum over thousands of pixels in half precision drifts
        sums = member @ features.float().flatten(2).mT
    return sums / pixels.clamp(min=1)[..., None], pixels >= FEWEST_PIXELS
