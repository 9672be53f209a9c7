"""A synchronous adapter in the manner of HAMLET: it trains between frames after each shift and loses frames meanwhile.

Botet Colomer et al., 2023, arXiv 2307.15063, RECONSTRUCTED: source replay, ClassMix with labels of an EMA teacher, a
distance that keeps the features of the source, a detector by cross-entropy of the frozen network against the student's own
answer, and steps in proportion to the change. Its light decoder, its choice of modules and its scales (which know the
benchmark) are not; a change counts in proportion to what the source's own level is.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import torch

from ...replay import REPLAY, Crops
from ...self_training.ema import Average, EMATeacher
from ...self_training.losses import cross_entropy
from ...self_training.mixing import class_mask, draw_classes, mix
from ...self_training.pseudo_label import confident_share, pseudo_label
from ...structures import Frame
from ..errors import StreamError
from .base import Answer, Learner, Setting, step


class Hamlet:
    """All weights learn while there are steps left; the student answers."""

    @dataclass(frozen=True)
    class Config:
        """lr: of AdamW after a shift, falling linearly to 0 over its steps. window: frames whose level counts as one.

        change: share of the first window's level that is a shift. steps: for one such change; most: for any. decay: of the
        teacher. threshold: of pseudo-labels. keep: weight of the distance to frozen features. always: train on all frames.
        """

        lr: float = 6e-5
        window: int = 10
        change: float = 0.25
        steps: int = 60
        most: int = 400
        decay: float = 0.99
        threshold: float = 0.968
        keep: float = 0.005
        always: bool = False

    def __init__(self, setting: Setting, config: Config = Config()) -> None:
        if setting.bundle.replay is None:
            raise StreamError('hamlet: the bundle has no replay memory; export it with source data, or leave hamlet out')
        self._learner, self._config = Learner(setting), config
        self._crops = Crops(setting.bundle.replay, REPLAY)
        self._rng = np.random.default_rng(setting.seed)
        torch.manual_seed(setting.seed)  # draw_classes draws from torch's own generator
        self._frozen = Learner(setting).network
        self._network = self._learner.network.requires_grad_(True)
        self._teacher = EMATeacher(self._network, Average(config.decay))
        self._optimiser = torch.optim.AdamW(self._network.parameters(), lr=config.lr, weight_decay=0.01)
        self._levels: deque[float] = deque(maxlen=config.window)
        self._first = self._last = 0.0
        self._left = self._total = self._step = 0

    def __call__(self, frame: Frame, index: int) -> Answer:
        image = self._learner.image(frame.image)
        with torch.no_grad():
            logits = self._network(image)
            self._levels.append(float(cross_entropy(self._frozen(image), logits.argmax(1))))
        events, forwards = self._watch(), 2
        if self._left or self._config.always:
            self._train(image)
            forwards += 9  # two passes forward and back, the teacher's, and the frozen features
        return Answer(self._learner.mask(logits, frame), forwards, events)

    def _watch(self) -> tuple[tuple[str, str], ...]:
        """Compare whole windows that follow each other; the first sets the scale."""
        if len(self._levels) < self._config.window:
            return ()
        level = float(np.mean(self._levels))
        self._levels.clear()
        if not self._first:
            self._first = self._last = max(level, 1e-6)
            return ()
        change, self._last = (level - self._last) / self._first, level
        if abs(change) <= self._config.change:
            return ()
        self._left = self._total = min(self._config.most, round(self._config.steps * abs(change) / self._config.change))
        return (('shift', f'level {level:.3f}, change {change:+.2f}: {self._left} steps'),)

    def _train(self, target: torch.Tensor) -> None:
        for group in self._optimiser.param_groups:
            group['lr'] = self._config.lr * (1 if self._config.always else self._left / self._total)
        crop = self._crops[int(self._rng.integers(len(self._crops)))]
        source = self._learner.image(crop.image)
        source = torch.nn.functional.interpolate(source, target.shape[2:], mode='bilinear', align_corners=False)
        label = self._learner.label(crop.label, tuple(target.shape[2:]))
        self._teacher.update(self._network, self._step)
        step(self._loss(source, label, target), self._optimiser)
        self._step += 1
        self._left = max(0, self._left - 1)

    def _loss(self, source: torch.Tensor, label: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        size = tuple(source.shape[2:])
        features = self._network.forward_features(source)
        with torch.no_grad():
            anchor = self._frozen.forward_features(source)[-1]
            pseudo, confidence = pseudo_label(self._teacher(target, size))
        distance = (features[-1] - anchor).pow(2).sum(1).clamp(min=1e-12).sqrt().mean()
        loss = cross_entropy(self._network.forward_head(features, size), label) + self._config.keep * distance
        mask = class_mask(label, draw_classes(label))
        weight = confident_share(confidence, self._config.threshold).expand(label.shape)
        mixed = self._network(mix(mask, source, target), size)
        return loss + cross_entropy(mixed, mix(mask, label, pseudo), mix(mask, torch.ones_like(weight), weight))
