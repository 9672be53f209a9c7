"""Source pictures in the style of the target, by one of several ways that a recipe chooses between."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import torch
from torch import nn

from uda_seg_ros.config import ConfigError
from uda_seg_ros.self_training.restyle import RESTYLE

from .translator.networks import Translator

Restyle = Literal['color_statistics', 'fourier_amplitude', 'translator']


class Restyler(nn.Module):
    """x_s2t of CrDoMix, without gradient.

    name: 'color_statistics' and 'fourier_amplitude' need no training and take the style from the target pictures of the
    same batch; 'translator' is a network that an earlier stage (method diga_translator) trained, of the given width.
    """

    def __init__(self, name: Restyle, width: int = 64) -> None:
        super().__init__()
        self.by_reference = RESTYLE.get(name)
        self.translator = None if self.by_reference else Translator(width).requires_grad_(False)

    def check_start(self, started: Collection[str]) -> None:
        """Of Method.check_start: raises ConfigError for a translator that no earlier stage gives."""
        self._check('translator' in started)

    def check_trained(self) -> None:
        """Raises ConfigError for a translator of random weights. Reads a tensor: not for use in a step."""
        self._check(self.translator is not None and bool(self.translator.steps_trained))

    def _check(self, trained: bool) -> None:
        if self.translator is not None and not trained:
            raise ConfigError("restyle: the translator has random weights; train it in an earlier stage (method "
                              "diga_translator) and give this one init: {translator: THAT_STAGE.translator}")

    @torch.no_grad()
    def forward(self, source: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        """B3HW RGB in 0..1, from source and as many target images."""
        if self.translator is not None:
            return self.translator(source)
        if target is None:
            raise ConfigError('restyle: style is taken from target images, and there are none; give the recipe data.target')
        return self.by_reference(source, target)

    def parts(self) -> dict[str, nn.Module]:
        """The translator, where there is one."""
        return {} if self.translator is None else {'translator': self.translator}
