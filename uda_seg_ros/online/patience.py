"""When shares of the target's statistics are tried: a trial takes its time from training."""

from __future__ import annotations

from dataclasses import dataclass, field

from .settings import FloorSettings

MOVED = 1.0, 1.0  # part and addition by which a shift must have changed to be worth a trial soon


@dataclass
class Patience:
    """same: trials in a row that were lost. shift: the score at the last one. passed: share -> stamp of the last trial won.
    """

    settings: FloorSettings
    same: int = 0
    shift: float = 0.0
    passed: dict[float, int] = field(default_factory=dict)

    def wait_s(self, shift: float) -> float:
        """From a trial that was lost to the next: short where the shift has moved, ever longer otherwise."""
        if not self.same:
            return 0.0
        part, more = MOVED
        moved = abs(shift - self.shift) > part * self.shift + more
        return self.settings.refresh_s * 2 ** min(self.same - 1, 0 if moved else self.settings.longer)

    def tried(self, share: float, shift: float, now_ns: int, won: bool) -> None:
        self.shift, self.same = shift, 0 if won else self.same + 1
        self.passed = {**self.passed, share: now_ns} if won else {}

    def won_lately(self, share: float, now_ns: int) -> bool:
        """Whether a share needs no trial to be served again."""
        return share in self.passed and 0 <= now_ns - self.passed[share] < self.settings.trusted_s * 1e9

    def begin(self) -> None:
        """A new shift, or something else is served."""
        self.same, self.passed = 0, {}

    def state_dict(self) -> dict:
        return {'same': self.same, 'shift': self.shift, 'passed': dict(self.passed)}

    def load_state_dict(self, state: dict) -> None:
        self.same, self.shift, self.passed = state['same'], state['shift'], dict(state['passed'])
