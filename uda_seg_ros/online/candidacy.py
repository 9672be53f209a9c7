"""The way of one shift's candidates: how far to try, when refusals are too many, when training is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .gate import Verdict
from .guards import NOTHING_WON
from .settings import GateSettings

Step = Literal['serve', 'wait', 'nearer', 'refuse', 'start_over']


@dataclass
class Candidacy:
    """nearer: number of the scale that is tried next: one up after a candidate that was served, one down after one that did
    harm; where nothing is won or nothing is left, as a shift begins.
    again: whether that is the same candidate once more. rejected, flat: refusals and trials without gain in a row. tried:
    training steps at the last trial.
    """

    settings: GateSettings
    nearer: int = 0
    again: bool = False
    rejected: int = 0
    flat: int = 0
    tried: int = 0

    def begin(self, step: int) -> None:
        """A new shift."""
        self.nearer = self.first
        self.rejected = self.flat = 0
        self.again, self.tried = False, step

    @property
    def first(self) -> int:
        """Number of the scale that a shift begins with: not the whole way."""
        return min(1, len(self.settings.scales) - 1)

    @property
    def scale(self) -> float:
        return self.settings.scales[self.nearer]

    def due(self, step: int, over: bool) -> bool:
        """Whether a candidate is to be tried after training step `step`. over: no more steps follow."""
        steps = step - self.tried
        return steps >= self.settings.every or self.again or (over and steps > 0)

    def judged(self, verdict: Verdict) -> Step:
        """What follows from a trial."""
        self.again = False
        served = verdict.scale is not None
        if served or set(verdict.objections) <= NOTHING_WON:
            self.flat = self.flat + 1 if verdict.gain < self.settings.plateau else 0
            if not served:
                self.nearer = min(self.nearer, self.first)
                return 'wait'
            self.nearer, self.rejected = max(0, self.nearer - 1), 0
            return 'serve'
        if self.nearer + 1 < len(self.settings.scales):
            self.nearer, self.again = self.nearer + 1, True
            return 'nearer'
        self.nearer, self.rejected = self.first, self.rejected + 1
        if self.rejected < self.settings.rejections:
            return 'refuse'
        self.rejected = 0
        return 'start_over'

    def done(self, left: int) -> str | None:
        """Why no more training follows, in words. left: planned steps to come."""
        if self.flat >= 2:
            return f'two trials in a row gained less than {self.settings.plateau} points'
        return None if left else 'the steps for this shift are done'

    def state_dict(self) -> dict:
        return {name: getattr(self, name) for name in ('nearer', 'again', 'rejected', 'flat', 'tried')}

    def load_state_dict(self, state: dict) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self.nearer = min(self.nearer, len(self.settings.scales) - 1)  # there may have been more
