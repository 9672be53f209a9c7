"""The perceptual term: L1 between features of VGG-19. Its weights are the user's own file; nothing is fetched."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from uda_seg_ros.config import ConfigError

PLAN = (64, 64, 'pool', 128, 128, 'pool', 256, 256, 256, 256, 'pool', 512, 512, 512, 512, 'pool', 512)
TAPS = {1: 1 / 32, 6: 1 / 16, 11: 1 / 8, 20: 1 / 4, 29: 1.0}  # the first ReLU of each block, and its weight
WIDEST = 1024
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class VGGLoss(nn.Module):
    """Weighted L1 between five maps of two pictures B3HW in -1..1; the second is the reference and gets no gradient.

    path: a .pth or .safetensors file of ImageNet weights with torchvision's names ('features.0.weight', ...). Pictures enter
    with ImageNet's mean and std (the authors leave them as they are). Raises ConfigError for a file that does not fit.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        layers, inputs = [], 3
        for step in PLAN:
            if step == 'pool':
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(inputs, step, 3, padding=1), nn.ReLU()]
                inputs = step
        self.features = nn.Sequential(*layers)
        self.register_buffer('mean', torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.load_state_dict(_tensors(path, self.state_dict()))
        self.requires_grad_(False)

    def forward(self, image: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            wanted = self._maps(reference)
        return sum(weight * functional.l1_loss(got, want)
                   for weight, got, want in zip(TAPS.values(), self._maps(image), wanted))

    def _maps(self, image: torch.Tensor) -> list[torch.Tensor]:
        while image.shape[-1] > WIDEST:
            image = functional.avg_pool2d(image, 2)
        x, maps = ((image + 1) / 2 - self.mean) / self.std, []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in TAPS:
                maps.append(x)
        return maps


def _tensors(path: str, wanted: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    if not Path(path).is_file():
        raise ConfigError(f'VGG-19 weights: no file {path}; give a local .pth or .safetensors file of torchvision\'s names')
    try:
        tensors = load_file(path) if path.endswith('.safetensors') else torch.load(path, 'cpu', weights_only=True)
    except Exception as error:
        raise ConfigError(f'VGG-19 weights: {path} cannot be read: {error}') from error
    for name, tensor in wanted.items():
        if name not in tensors or tensors[name].shape != tensor.shape:
            raise ConfigError(f'VGG-19 weights: {path} has no tensor {name} of shape {tuple(tensor.shape)}')
    return {name: tensors[name] for name in wanted}
