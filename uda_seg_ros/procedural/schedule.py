"""The weather of a drive: ``clear:100,fog:0..1:200,fog:0.4+night:0.6:50`` - weather[:severity]:frames, comma separated."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .weather import CLEAR, WEATHERS

GRAMMAR = 'weather[:severity or from..to][+weather...]:frames, separated by commas'


class ScheduleError(ValueError):
    """A schedule that cannot be read; the message names the bad part."""


@dataclass(frozen=True)
class Segment:
    """Frames `start` up to, not including, `stop`. name is unique in its schedule. ramps: weather -> (from, to)."""

    name: str
    start: int
    stop: int
    ramps: tuple[tuple[str, float, float], ...]

    def at(self, frame: int) -> dict[str, float]:
        """Severities at a frame, weather -> 0..1; empty when clear."""
        share = (frame - self.start) / max(self.stop - self.start - 1, 1)
        return {name: low + (high - low) * share for name, low, high in self.ramps}


@dataclass(frozen=True)
class Schedule:
    """Segments that follow each other without gaps from frame 0."""

    segments: tuple[Segment, ...]

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return self.segments[-1].stop

    def segment(self, frame: int) -> Segment:
        """The segment a frame lies in; IndexError outside the schedule."""
        for part in self.segments:
            if part.start <= frame < part.stop:
                return part
        raise IndexError(f"frame {frame} is not within the schedule's {self.frames} frames")

    def at(self, frame: int) -> dict[str, float]:
        """Severities at a frame, weather -> 0..1; empty when clear."""
        return self.segment(frame).at(frame)

    def stretched(self, frames: int) -> Schedule:
        """The same weather over another number of frames, every segment in proportion and at least one frame long."""
        if frames < len(self.segments):
            raise ScheduleError(f'{frames} frames are too few for a schedule of {len(self.segments)} parts')
        cuts = [0]
        for number, part in enumerate(self.segments, start=1):
            latest = frames - (len(self.segments) - number)
            cuts.append(min(max(round(part.stop * frames / self.frames), cuts[-1] + 1), latest))
        pieces = zip(self.segments, cuts, cuts[1:])
        return Schedule(tuple(replace(part, start=start, stop=stop) for part, start, stop in pieces))


def parse_schedule(text: str, frames: int | None = None) -> Schedule:
    """Read a schedule.

    frames: if given, the whole is stretched to so many, and parts may leave their own number out (``clear,fog``: equal
    shares). ScheduleError names the part that is wrong, and the weathers there are.
    """
    segments: list[Segment] = []
    for part in text.split(','):
        ramps, count = _part(part.strip(), frames is not None)
        start = segments[-1].stop if segments else 0
        segments.append(Segment(_unique(ramps, segments), start, start + count, ramps))
    schedule = Schedule(tuple(segments))
    return schedule if frames is None else schedule.stretched(frames)


def _part(part: str, may_omit: bool) -> tuple[tuple[tuple[str, float, float], ...], int]:
    terms, _, count = part.rpartition(':')
    if may_omit and not terms and count in WEATHERS:
        terms, count = part, '1'
    if not terms:
        raise _error(part, 'it needs a weather and a number of frames')
    if not count.strip().isdecimal() or int(count) < 1:
        raise _error(part, f"'{count}' is not a number of frames (a whole number above 0)")
    ramps = [ramp for term in terms.split('+') if (ramp := _term(term.strip(), part)) is not None]
    names = [name for name, _, _ in ramps]
    if len(set(names)) != len(names):
        raise _error(part, 'it names a weather twice')
    return tuple(ramps), int(count)


def _term(term: str, part: str) -> tuple[str, float, float] | None:
    """(weather, from, to), None for clear."""
    name, colon, severity = term.partition(':')
    if name not in WEATHERS:
        raise _error(part, f"unknown weather '{name}'")
    if name == CLEAR:
        if colon:
            raise _error(part, 'clear has no severity')
        return None
    low, dots, high = severity.partition('..') if colon else ('1', '', '')
    try:
        ramp = float(low), float(high if dots else low)
    except ValueError:
        raise _error(part, f"'{severity}' is not a severity (0..1, or a ramp such as 0..0.8)") from None
    if not all(0 <= value <= 1 for value in ramp):
        raise _error(part, f'severity {severity} lies outside 0..1')
    return name, *ramp


def _unique(ramps, earlier: list[Segment]) -> str:
    """The weathers' names, numbered from the second time on: clear, fog, clear_2."""
    names = [name for name, _, _ in ramps]
    count = 1 + sum([name for name, _, _ in part.ramps] == names for part in earlier)
    base = '+'.join(names) or CLEAR
    return base if count == 1 else f'{base}_{count}'


def _error(part: str, reason: str) -> ScheduleError:
    return ScheduleError(f"weather schedule, part '{part}': {reason}; expected {GRAMMAR}; weathers: {', '.join(WEATHERS)}")
