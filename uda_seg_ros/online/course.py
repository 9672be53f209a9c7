"""The states of an adapter, driven by shift scores: calibrate, idle, adapt, hold, return, safe."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from .detector import Detector
from .settings import DetectorSettings
from .shift_score import Score
from .status import State

SMOOTH = 4  # looks over which the shift score is averaged
LONGEST = 6  # doublings of the looks that bring a shift back, while it comes and goes
GROWN = 1.5, 0.5  # factor and addition by which a shift must grow to be a new one while adaptation holds


class Turn(NamedTuple):
    """kind: 'shift' (adapt), 'return' (serve the frozen network), 'resume' (serve again what was), 'settled' (idle)."""

    kind: str
    text: str


class Course:
    """state, and the smoothed shift score. calm, alarm: looks in a row below and above `normal`."""

    def __init__(self, settings: DetectorSettings) -> None:
        self._settings = settings
        self.state: State = 'calibrate'
        self._detector = Detector(settings)
        self._scores: deque[Score] = deque(maxlen=max(SMOOTH, settings.settled))
        self._calm = self._alarm = self._resumed = 0
        self._answered = 0.0

    @property
    def shift(self) -> float:
        """Mean score of the last looks."""
        last = list(self._scores)[-SMOOTH:]
        return sum(score.r for score in last) / len(last) if last else 0.0

    def enter(self, state: State) -> None:
        self.state = state
        if state == 'idle':
            self._detector.rearm()
            self._resumed = 0
        self._calm = self._alarm = 0

    def answer(self) -> None:
        """What is done from now on is for the present shift: only one that grows beyond it is a new one."""
        self._answered = self.shift

    def see(self, score: Score, now_ns: int) -> Turn | None:
        """Take in a look's score. The caller enters the state that a turn leads to."""
        self._scores.append(score)
        normal = score.r < self._settings.normal
        self._calm, self._alarm = (self._calm + 1, 0) if normal else (0, self._alarm + 1)
        if self.state == 'idle':
            return self._idle(score, now_ns)
        if self.state in ('adapt', 'hold'):
            return self._adapting()
        return self._returning() if self.state == 'return' else None

    def _idle(self, score: Score, now_ns: int) -> Turn | None:
        found = self._detector.add(score.u, now_ns)
        if not found:
            return None
        self._detector.rearm()
        if self.shift < self._settings.normal:  # lasting, but within what the source shows, too: nothing to win
            return None
        self.answer()
        return Turn('shift', f'{found}; shift score {self.shift:.1f}, by {score.name}')

    def _adapting(self) -> Turn | None:
        if self._calm >= self._settings.calm:
            looks = 'a look' if self._calm == 1 else f'{self._calm} looks in a row'
            return Turn('return', f'{looks} below the shift score {self._settings.normal:g}')
        factor, more = GROWN
        if self.state == 'hold' and self.shift > factor * self._answered + more:
            was = self._answered
            self.answer()
            return Turn('shift', f'the shift grew from {was:.1f} to {self.shift:.1f}')
        return None

    def _returning(self) -> Turn | None:
        if self._alarm >= self._settings.alarm * 2 ** min(self._resumed, LONGEST):
            self._resumed += 1
            return Turn('resume', f'{self._alarm} looks in a row above the shift score {self._settings.normal:g}')
        last = list(self._scores)[-self._settings.settled:]
        mean = sum(score.u for score in last) / len(last)
        if self._calm >= self._settings.settled or (len(last) >= self._settings.settled and mean < 0.6):
            return Turn('settled', f'mean u of {len(last)} looks {mean:.2f}')
        return None

    def state_dict(self) -> dict:
        return {'state': self.state, 'detector': self._detector.state_dict(),
                'scores': [tuple(score) for score in self._scores],
                'calm': self._calm, 'alarm': self._alarm, 'resumed': self._resumed, 'answered': self._answered}

    def load_state_dict(self, state: dict) -> None:
        self.state = state['state']
        self._detector.load_state_dict(state['detector'])
        self._scores.clear()
        self._scores.extend(Score(*score) for score in state['scores'])
        self._calm, self._alarm, self._resumed = state['calm'], state['alarm'], state['resumed']
        self._answered = state['answered']
