"""When shares of the target's statistics are tried: a trial takes its time from training."""

from __future__ import annotations

from dataclasses import dataclass, field

from .settings import FloorSettings

MOVED = 1.0, 1.0  # part and addition by which a shift must have changed to be worth a trial soon


@dataclass
class Patience:
    """lost: share -> trials in a row that it lost. shift: the score at the last one. passed: share -> when it last
    won a trial.
    """

    settings: FloorSettings
    lost: dict[float, int] = field(default_factory=dict)
    shift: float = 0.0
    passed: dict[float, int] = field(default_factory=dict)

    def wait_s(self, share: float, shift: float) -> float:
        """From a trial that a share lost to its next: short where the shift has moved, ever longer otherwise."""
        lost = self.lost.get(share, 0)
        if not lost:
            return 0.0
        part, more = MOVED
        moved = abs(shift - self.shift) > part * self.shift + more
        return self.settings.refresh_s * 2 ** min(lost - 1, 0 if moved else self.settings.longer)

    def tried(self, share: float, shift: float, now_ns: int, won: bool) -> None:
        self.shift, self.lost = shift, {**self.lost, share: 0 if won else self.lost.get(share, 0) + 1}
        self.passed = {**self.passed, share: now_ns} if won else {}

    def won_lately(self, share: float, now_ns: int) -> bool:
        """Whether a share needs no trial to be served again."""
        return share in self.passed and now_ns - self.passed[share] < self.settings.trusted_s * 1e9

    def begin(self) -> None:
        """A new shift."""
        self.lost, self.passed = {}, {}

    def taken_back(self, shift: float, asked: bool) -> None:
        """Whatever is served was taken back: no share is tried at once; long after it where somebody asked for it."""
        times = self.settings.longer + 1 if asked else 1
        self.lost, self.passed, self.shift = dict.fromkeys(self.settings.shares, times), {}, shift

    def state_dict(self) -> dict:
        return {'lost': dict(self.lost), 'shift': self.shift, 'passed': dict(self.passed)}

    def load_state_dict(self, state: dict) -> None:
        self.lost, self.shift, self.passed = dict(state['lost']), state['shift'], dict(state['passed'])
