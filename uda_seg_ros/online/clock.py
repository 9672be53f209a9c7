"""Time as the frames tell it."""

from __future__ import annotations

SECOND = 1_000_000_000
GAP = 10 * SECOND  # of the time between two frames no more counts: what happened meanwhile nobody saw


class Clock:
    """now_ns: how long there have been frames, counted from the first one's stamp. Intervals are known by name.

    It never goes back: a pause, a night or a step of the computer's clock counts `GAP` at most, a recording that begins anew
    nothing. Each camera has stamps of its own.
    """

    def __init__(self) -> None:
        self.now_ns: int | None = None
        self._last: dict[str, int] = {}
        self._cameras: dict[str, tuple[int, int]] = {}  # the last stamp, and when that was

    def advance(self, stamp_ns: int, camera: str = '') -> bool:
        """Whether the stamp is newer than that camera's last one, or more than a second older: another recording."""
        if self.now_ns is None:
            self.now_ns = stamp_ns
        then_ns = self.now_ns
        if camera in self._cameras:
            before_ns, then_ns = self._cameras[camera]
            step_ns = stamp_ns - before_ns
            if -SECOND <= step_ns <= 0:
                return False
            then_ns = max(then_ns, self.now_ns - GAP) + min(max(step_ns, 0), GAP)
        self._cameras[camera] = stamp_ns, then_ns
        self.now_ns = max(self.now_ns, then_ns)
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
        return {'now_ns': self.now_ns, 'last': dict(self._last), 'cameras': dict(self._cameras)}

    def load_state_dict(self, state: dict) -> None:
        self.now_ns, self._last, self._cameras = state['now_ns'], dict(state['last']), dict(state['cameras'])
