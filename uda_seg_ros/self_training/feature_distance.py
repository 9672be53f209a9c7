"""Distance of things' features to those of the first weights, so that what pre-training knew of them is not forgotten.

Source: DAFormer's thing-class feature distance, Hoyer et al., 2022, arXiv 2111.14887, equations 8 to 10.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from ..config import ConfigError

THINGS = (6, 7, 11, 12, 13, 14, 15, 16, 17, 18)  # train ids of Cityscapes
SHARE = 0.75  # of a feature's cell of the label that one class must fill


class FirstFeatures(nn.Module):
    """A copy of a network as it was before training, in eval mode and without gradient, and the distance from it.

    classes: train ids of the things. Raises ConfigError where the network does not have them.
    """

    def __init__(self, network: nn.Module, classes: Sequence[int]) -> None:
        super().__init__()
        unknown = [train_id for train_id in classes if not 0 <= train_id < network.num_classes]
        if unknown or not classes:
            raise ConfigError(f'thing_classes {unknown} are no train ids of {network.num_classes} classes; '
                              'give those of your label space, or set feature_distance to 0')
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.classes = classes

    def train(self, mode: bool = True) -> FirstFeatures:
        """It stays in eval mode whatever is asked."""
        self.training = False
        return self

    def copy(self, network: nn.Module) -> None:
        """Take the weights that the network has now."""
        self.network.load_state_dict(network.state_dict())

    def forward(self, features: tuple[torch.Tensor, ...], image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Distance of the last of `features`, what the trained network makes of `image` (normalised). label: BHW."""
        with torch.no_grad():
            first = self.network.forward_features(image)[-1]
        return feature_distance(features[-1], first, cells_of(label, self.classes, tuple(first.shape[-2:])))


def cells_of(label: torch.Tensor, classes: Sequence[int], size: tuple[int, int], share: float = SHARE) -> torch.Tensor:
    """Bhw bool: cells of the label, as many as `size` (h, w), that one of the classes fills to `share` or more."""
    member = torch.stack([label == train_id for train_id in classes], 1)
    return (functional.adaptive_avg_pool2d(member.float(), size) >= share).any(1)


def feature_distance(features: torch.Tensor, initial: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    """Mean Euclidean distance of the feature vectors over the cells (Bhw bool), 0 where there are none.

    features, initial: BDhw; `initial` is detached here.
    """
    difference = (features.float() - initial.detach().float()) * cells[:, None]
    distance = (difference.square().sum(1) + 1e-12).sqrt() * cells  # sqrt has no gradient at 0
    return distance.sum() / cells.sum().clamp(min=1)
