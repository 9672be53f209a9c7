"""Time as the frames tell it."""

from __future__ import annotations

SECOND = 1_000_000_000


class Clock:
    """now_ns: the stamp of the frame at hand. Intervals are known by name."""

    def __init__(self) -> None:
        self.now_ns: int | None = None
        self._last: dict[str, int] = {}

    def advance(self, stamp_ns: int) -> bool:
        """Whether the stamp is newer. One that lies more than a second back is another recording: all intervals start anew.
        """
        if self.now_ns is not None and self.now_ns - SECOND <= stamp_ns <= self.now_ns:
            return False
        if self.now_ns is not None and stamp_ns < self.now_ns:
            self._last = {name: stamp_ns for name in self._last if name != 'look'}
        self.now_ns = stamp_ns
        return True

    def due(self, name: str, seconds: float) -> bool:
        """Whether an interval of so many seconds is over, or never began; it begins anew then."""
        due = self.over(name, seconds)
        if due:
            self.begin(name)
        return due

    def over(self, name: str, seconds: float) -> bool:
        """As `due`, without beginning anew."""
        return name not in self._last or self.now_ns - self._last[name] >= seconds * SECOND

    def begin(self, name: str) -> None:
        """Nothing is timed before the first frame."""
        if self.now_ns is not None:
            self._last[name] = self.now_ns

    def drop(self, name: str) -> None:
        self._last.pop(name, None)

    def since(self, name: str) -> float:
        """Seconds since an interval began; 0 where it never did."""
        return (self.now_ns - self._last.get(name, self.now_ns)) / SECOND

    def state_dict(self) -> dict:
        return {'now_ns': self.now_ns, 'last': dict(self._last)}

    def load_state_dict(self, state: dict) -> None:
        self.now_ns, self._last = state['now_ns'], dict(state['last'])
