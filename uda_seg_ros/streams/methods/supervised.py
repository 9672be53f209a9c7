"""The upper bound: a network for each condition, trained with labels on the same weather elsewhere. It cheats on purpose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ...labels import mapping
from ...self_training.losses import cross_entropy
from ...structures import Frame
from ..errors import StreamError
from ..footage import Footage
from ..schedule import CLEAN, Moment
from .base import Answer, Learner, Setting, step


class Supervised:
    """Knows which condition a frame is of, and has learned it from labelled frames of other places before."""

    @dataclass(frozen=True)
    class Config:
        """lr: of Adam, falling to 0. steps: a condition. batch: frames a step."""

        lr: float = 3e-4
        steps: int = 60
        batch: int = 4

    def __init__(self, setting: Setting, config: Config = Config()) -> None:
        if setting.other is None:
            raise StreamError('supervised: there is no labelled footage of other places')
        self._learner, self._config, self._other = Learner(setting), config, setting.other
        self._to_bundle = mapping(setting.other.space, setting.bundle.labels)
        self._rng = np.random.default_rng(setting.seed)
        self._of = [condition(moment) for moment in setting.other.moments]
        self._trained: dict[str, dict[str, torch.Tensor]] = {}
        self._loaded = ''

    def __call__(self, frame: Frame, index: int) -> Answer:
        wanted = self._of[index]  # the other footage has the same schedule
        if wanted != self._loaded:
            if wanted not in self._trained:
                self._trained[wanted] = self._train(wanted)
            self._learner.network.load_state_dict(self._trained[wanted])
            self._loaded = wanted
        return Answer(self._learner.segment(frame))

    def _train(self, wanted: str) -> dict[str, torch.Tensor]:
        """Tensors of the network after learning one condition from the bundle's weights; the clean one needs none."""
        self._learner.restore()
        network = self._learner.network
        frames = [place for place, name in enumerate(self._of) if name == wanted]
        if wanted != CLEAN:
            network.requires_grad_(True)
            optimiser = torch.optim.Adam(network.parameters(), lr=self._config.lr)
            for number in range(self._config.steps):
                for group in optimiser.param_groups:
                    group['lr'] = self._config.lr * (1 - number / self._config.steps)
                images, labels = self._batch(self._rng.choice(frames, self._config.batch), self._other)
                step(cross_entropy(network(images, tuple(images.shape[2:])), labels, normalise='valid'), optimiser)
            network.requires_grad_(False)
        return {name: tensor.clone() for name, tensor in network.state_dict().items()}

    def _batch(self, places: np.ndarray, other: Footage) -> tuple[torch.Tensor, torch.Tensor]:
        images = torch.cat([self._learner.image(other.frame(place).image) for place in places])
        labels = [self._learner.label(self._to_bundle[other.label(place)], tuple(images.shape[2:])) for place in places]
        return images, torch.cat(labels)


def condition(moment: Moment) -> str:
    """What counts as one condition: the drive and the weathers, by thirds of their severity."""
    if moment.clean or moment.fault:
        return CLEAN
    return ' '.join([moment.drive, *(f'{name}{int(2.99 * severity)}' for name, severity in sorted(moment.weather.items()))])
