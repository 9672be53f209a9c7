"""TENT that starts anew when classes vanish: the class-count reset of OASIS (Volpi et al., CVPR 2022).

RECONSTRUCTED: where the adapted network predicts fewer classes than the frozen one on the same frame, by more than `fewer`
on a running mean, it collapses; its weights become the source's again.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...shift_signals import pixel_entropy
from ...structures import Frame
from .base import Answer, Learner, Setting, norm_parameters, step
from .batchnorm import mix_norms


class ClassReset:
    """Entropy, norms only, and a guard by the number of classes."""

    @dataclass(frozen=True)
    class Config:
        """lr: of Adam. share: of the frame's own statistics. fewer: classes that may be missing. memory: of the mean."""

        lr: float = 1e-4
        share: float = 0.5
        fewer: float = 1.0
        memory: float = 0.9

    def __init__(self, setting: Setting, config: Config = Config()) -> None:
        self._learner, self._config = Learner(setting), config
        self._frozen = Learner(setting).network
        mix_norms(self._learner.network, config.share)
        self._start()

    def _start(self) -> None:
        self._learner.restore()
        self._optimiser = torch.optim.Adam(norm_parameters(self._learner.network), lr=self._config.lr)
        self._missing = 0.0

    def __call__(self, frame: Frame, index: int) -> Answer:
        image = self._learner.image(frame.image)
        logits = self._learner.network(image)
        answer = self._learner.mask(logits, frame)
        with torch.no_grad():
            missing = classes_in(self._frozen(image)) - classes_in(logits)
        self._missing = self._config.memory * self._missing + (1 - self._config.memory) * missing
        if self._missing > self._config.fewer:
            self._start()
            return Answer(answer, 4, (('rollback', f'{missing} classes fewer than the frozen network sees'),))
        step(pixel_entropy(logits).mean(), self._optimiser)
        return Answer(answer, forwards=4)


def classes_in(logits: torch.Tensor) -> int:
    """How many classes win somewhere."""
    return len(logits.argmax(1).unique())
