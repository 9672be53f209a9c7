"""What happened: events, counts, and the one sentence that says why the adapter does or does not adapt."""

from __future__ import annotations

from collections import Counter, deque

from .status import Event

KEPT = 50


class Journal:
    """why: the last thing that decided. now_ns: stamp of the frame at hand, set by the adapter. events: the last ones, among
    them those that a file told of.
    """

    def __init__(self) -> None:
        self.events: deque[Event] = deque(maxlen=KEPT)
        self.counts: Counter[str] = Counter()
        self.why = ''
        self.now_ns = 0
        self._num_new = 0

    def tell(self, kind: str, text: str) -> None:
        self.why = text
        self.counts[kind] += 1
        self.events.append(Event(kind, self.now_ns, text))
        self._num_new += 1

    @property
    def news(self) -> tuple[Event, ...]:
        """The last events that happened here: what a file tells is history."""
        return tuple(self.events)[-self._num_new:] if self._num_new else ()

    def state_dict(self) -> dict:
        return {'events': [tuple(vars(event).values()) for event in self.events], 'counts': dict(self.counts),
                'why': self.why, 'now_ns': self.now_ns}

    def load_state_dict(self, state: dict) -> None:
        self.events = deque((Event(*event) for event in state['events']), maxlen=KEPT)
        self._num_new = 0
        self.counts, self.why, self.now_ns = Counter(state['counts']), state['why'], state['now_ns']
