"""Several cameras take turns to be looked at."""

from __future__ import annotations

from .clock import Clock

LATE = 4  # waits between two looks after which nobody is waited for any longer


class Rota:
    """Whose look is longest ago comes first, of those whose frames came since the last look."""

    def __init__(self) -> None:
        self._looked: list[str] = []  # the last one at the end
        self._waiting: set[str] = set()
        self._passed_over: set[str] = set()

    def takes(self, camera: str, clock: Clock, look_s: float) -> bool:
        """Whether the frame that came is to be looked at: a look is due, and that camera's, unless the others are late."""
        self._waiting.add(camera)
        if not clock.over('look', look_s):
            return False
        late = camera in self._passed_over and clock.over('look', LATE * look_s)
        if not late and any(self._place(other) < self._place(camera) for other in self._waiting):
            self._passed_over.add(camera)
            return False
        clock.begin('look')
        self._looked = [*(other for other in self._looked if other != camera), camera]
        self._waiting.clear()
        self._passed_over.clear()
        return True

    def _place(self, camera: str) -> int:
        return self._looked.index(camera) if camera in self._looked else -1

    def state_dict(self) -> dict:
        return {'looked': list(self._looked), 'waiting': sorted(self._waiting), 'passed over': sorted(self._passed_over)}

    def load_state_dict(self, state: dict) -> None:
        self._looked = list(state['looked'])
        self._waiting, self._passed_over = set(state['waiting']), set(state['passed over'])
