"""What every network of the table is: a module with two halves and logits at its own resolution."""

from __future__ import annotations

import torch
from torch import nn

from .resize import resize_logits


class SegmentationModel(nn.Module):
    """A semantic segmentation network.

    multiple: both sides of the image must be a multiple of it. stride: logits are 1/stride of the image. head_parts: the
    submodules that only forward_head uses; all others are the encoder. embedding_channels: of `forward_embedding`.
    auxiliary_feature: index of the inner feature that a second head sits on where training wants one.
    Shapes: image B3HW float, normalised; features a tuple of BDhw; embedding BDhw and logits BChw, h = H / stride.
    """

    multiple: int = 32
    stride: int = 4
    head_parts: tuple[str, ...] = ()
    auxiliary_feature: int = -2
    embedding_channels: int

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes

    def forward_features(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The encoder: features from fine to coarse."""
        raise NotImplementedError

    def forward_embedding(self, features: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """The head but for its classifier: what the classifier sees, at 1/stride, before any dropout."""
        raise NotImplementedError

    def forward_classifier(self, embedding: torch.Tensor) -> torch.Tensor:
        """The rest of the head: logits at 1/stride."""
        raise NotImplementedError

    def forward_head(self, features: tuple[torch.Tensor, ...], size: tuple[int, int] | None = None) -> torch.Tensor:
        """The head: logits at 1/stride, or interpolated (bilinear, corners not aligned) to `size` (H, W)."""
        return resize_logits(self.forward_classifier(self.forward_embedding(features)), size)

    def forward(self, image: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
        return self.forward_head(self.forward_features(image), size)
