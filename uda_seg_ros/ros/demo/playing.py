"""A drive that was played once through the node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...report.drive import Moment
from ...report.segments import Segments
from .collector import Collector
from .learning import Learning
from .player import Sent

LATE_MS = 30.0  # a frame sent later than this is worth a note
_REFUSALS = 5  # of the node's errors, so many are shown


@dataclass(frozen=True)
class Playing:
    """late_ms: the latest a frame was behind its time. learning: of an adapting node. refusals: what the node complained of.
    """

    sent: Sequence[Sent]
    collector: Collector
    late_ms: float
    learning: Learning | None = None
    refusals: Sequence[str] = ()

    def moments(self, segments: Segments) -> list[Moment]:
        """One a frame, with the latency of those whose mask came."""
        moments = []
        for frame in self.sent:
            received_ns = self.collector.received_ns.get(frame.stamp_ns)
            latency_ms = None if received_ns is None else (received_ns - frame.sent_ns) / 1e6
            moments.append(Moment(frame.index, frame.due_ns / 1e9, segments.of(frame.index), latency_ms,
                                  self.collector.confidence.get(frame.stamp_ns)))
        return moments

    def version(self, stamp_ns: int) -> int:
        """Of the weights that made the mask of this stamp, as nearly as the node tells it."""
        return self.learning.version_at(self.collector.received_ns.get(stamp_ns, 0)) if self.learning else 0

    def learned(self) -> dict[str, Any]:
        """What summary.json tells of the learner. Times are seconds since the first frame, below 0 before it."""
        first_ns = self.sent[0].sent_ns

        def seconds(time_ns: int) -> float:
            return round((time_ns - first_ns) / 1e9, 2)
        learning = self.learning
        return {'weights_versions': [{'time_s': seconds(since_ns), 'version': version}
                                     for since_ns, version in learning.versions],
                'events': [{'time_s': seconds(time_ns), 'kind': kind, 'text': text}
                           for time_ns, kind, text in learning.events()],
                'learner': {'why': learning.text, **learning.values}}

    def notes(self) -> list[str]:
        """What a person should know of it, a line each."""
        who = 'The adapting node' if self.learning else 'The node'
        notes = [f'{who} said: {text}' for text in self.refusals[:_REFUSALS]]
        if self.learning and not self.learning.in_time:
            notes.append('This computer was busy: the learner had not started when the drive began.')
        if self.late_ms > LATE_MS:
            what = 'frames for the adapting node' if self.learning else 'frames'
            notes.append(f'This computer was busy: {what} were sent up to {self.late_ms:.0f} ms late.')
        return notes
