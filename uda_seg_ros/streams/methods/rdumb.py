"""RDumb: entropy on the pixels that are sure enough, and a new start every so many steps, whatever happens.

Press et al., 2023, arXiv 2306.05401; the filter is EATA's (Niu et al., 2022, arXiv 2204.02610), by pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...config import ConfigError
from ...shift_signals import pixel_entropy
from ...structures import Frame
from .base import Answer, Learner, Setting, norm_parameters, step
from .batchnorm import mix_norms


class RDumb:
    """Norms only."""

    @dataclass(frozen=True)
    class Config:
        """every: steps from start to start. lr: of SGD with momentum. sure: pixels of more entropy (0..1) do not
        count. share: of the frame's own statistics."""

        every: int = 100
        lr: float = 2.5e-4
        sure: float = 0.4
        share: float = 1.0

        def __post_init__(self) -> None:
            if self.every < 1:
                raise ConfigError('every must be 1 or more')

    def __init__(self, setting: Setting, config: Config = Config()) -> None:
        self._learner, self._config = Learner(setting), config
        mix_norms(self._learner.network, config.share)
        self._steps = 0

    def __call__(self, frame: Frame, index: int) -> Answer:
        if self._steps % self._config.every == 0:
            self._learner.restore()
            self._optimiser = torch.optim.SGD(norm_parameters(self._learner.network), lr=self._config.lr, momentum=0.9)
        self._steps += 1
        logits = self._learner.network(self._learner.image(frame.image))
        entropy = pixel_entropy(logits)
        sure = entropy.detach() < self._config.sure
        step((entropy * sure).sum() / sure.sum().clamp(min=1), self._optimiser)
        return Answer(self._learner.mask(logits, frame), forwards=3)
