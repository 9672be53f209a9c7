"""How long the shares of the target's statistics go untried: trials take their time from training."""

from __future__ import annotations

from dataclasses import dataclass

from .settings import FloorSettings

MOVED = 1.0, 1.0  # part and addition by which a shift must have changed to be worth a trial soon


@dataclass
class Patience:
    """same: trials in a row that were lost. shift: the score at the last one."""

    settings: FloorSettings
    same: int = 0
    shift: float = 0.0

    def wait_s(self, shift: float) -> float:
        """From a trial that was lost to the next: short where the shift has moved, ever longer otherwise."""
        if not self.same:
            return 0.0
        part, more = MOVED
        moved = abs(shift - self.shift) > part * self.shift + more
        return self.settings.refresh_s * 2 ** min(self.same - 1, 0 if moved else self.settings.longer)

    def tried(self, shift: float, lost: bool) -> None:
        self.shift, self.same = shift, self.same + 1 if lost else 0

    def begin(self) -> None:
        """A new shift, or something else is served."""
        self.same = 0

    def state_dict(self) -> dict:
        return {'same': self.same, 'shift': self.shift}

    def load_state_dict(self, state: dict) -> None:
        self.same, self.shift = state['same'], state['shift']
