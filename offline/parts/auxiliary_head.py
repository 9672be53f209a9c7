"""A second, inner head for any network: class logits from a feature before the last (head 1 of AdaptSegNet and DAKD)."""

from __future__ import annotations

import torch
from torch import nn

from uda_seg_ros.models import SegmentationModel
from uda_seg_ros.models.resize import resize_logits

Heads = tuple[torch.Tensor, torch.Tensor]


class AuxiliaryHead(nn.Module):
    """A 1x1 convolution on one of a network's features. It is needed in training only and never goes to the vehicle.

    feature: index into what forward_features returns; None is the network's own `auxiliary_feature`. trained: a buffer
    that says whether this head ever took part in training, so that nobody is taught by random weights.
    """

    head_parts = ('classifier',)  # it learns at the rate of heads, as AdaptSegNet's inner head does

    def __init__(self, network: SegmentationModel, feature: int | None = None) -> None:
        super().__init__()
        self.feature = network.auxiliary_feature if feature is None else feature
        channels = feature_channels(network)
        if not -len(channels) <= self.feature < len(channels):
            raise ValueError(f'feature {self.feature}: {type(network).__name__} has {len(channels)} features; '
                             f'give {-len(channels)} to {len(channels) - 1}')
        self.classifier = nn.Conv2d(channels[self.feature], network.num_classes, 1)
        self.register_buffer('trained', torch.tensor(False))

    def forward(self, features: tuple[torch.Tensor, ...], size: tuple[int, int] | None = None) -> torch.Tensor:
        """Logits at the feature's stride, or bilinear to `size` (H, W)."""
        if self.training and torch.is_grad_enabled():
            self.trained.fill_(True)
        return resize_logits(self.classifier(features[self.feature]), size)


def two_heads(network: SegmentationModel, auxiliary: AuxiliaryHead, image: torch.Tensor, size: tuple[int, int]) -> Heads:
    """(logits of head 1, of head 2), BCHW at `size`, in one pass of the encoder. image: normalised."""
    features = network.forward_features(image)
    return auxiliary(features, size), network.forward_head(features, size)


@torch.no_grad()
def feature_channels(network: SegmentationModel) -> list[int]:
    """Number of channels of each feature, found by running a small black picture; changes nothing in the network."""
    training, weight = network.training, next(network.parameters())
    image = torch.zeros(1, 3, 2 * network.multiple, 2 * network.multiple, device=weight.device, dtype=weight.dtype)
    features = network.eval().forward_features(image)
    network.train(training)
    return [feature.shape[1] for feature in features]
