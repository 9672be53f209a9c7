"""Self-training on the stream alone: an EMA teacher labels each frame, the student learns it; no source, no guard.

What remains of mean-teacher self-training (Tarvainen and Valpola, 2017, arXiv 1703.01780) when the source is not on board.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...self_training.ema import Average, EMATeacher
from ...self_training.losses import cross_entropy
from ...self_training.pseudo_label import pseudo_label
from ...structures import Frame
from .base import Answer, Learner, Setting, step


class EmaPseudoLabels:
    """All weights learn; the student answers."""

    @dataclass(frozen=True)
    class Config:
        """lr: of Adam. decay: of the teacher. threshold: labels of less confidence do not count."""

        lr: float = 1e-4
        decay: float = 0.99
        threshold: float = 0.9

    def __init__(self, setting: Setting, config: Config = Config()) -> None:
        self._learner, self._config = Learner(setting), config
        self._network = self._learner.network.requires_grad_(True)
        self._teacher = EMATeacher(self._network, Average(config.decay))
        self._optimiser = torch.optim.Adam(self._network.parameters(), lr=config.lr)

    def __call__(self, frame: Frame, index: int) -> Answer:
        image = self._learner.image(frame.image)
        label, confidence = pseudo_label(self._teacher(image))
        logits = self._network(image)
        step(cross_entropy(logits, label, (confidence >= self._config.threshold).float()), self._optimiser)
        self._teacher.update(self._network, index + 1)
        return Answer(self._learner.mask(logits, frame), forwards=4)
