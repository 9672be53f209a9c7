"""Which frame of which drive a stream shows when, and in what weather."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

DAY, DUSK = 'day', 'dusk'
CLEAN = 'clean'


@dataclass(frozen=True)
class Part:
    """Frames of one condition.

    name: of the condition; the same name elsewhere is the same condition again. weather: name -> severity at the part's
    beginning and end, 0..1. drive: DAY or DUSK. fault: of the sensor, '' for none. held: the drive stands still.
    by_class: the drive's frames in the order of their dominant class.
    """

    name: str
    frames: int
    weather: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    drive: str = DAY
    fault: str = ''
    held: bool = False
    by_class: bool = False

    @property
    def clean(self) -> bool:
        """Whether the frozen network is at home here."""
        return not self.weather and not self.fault and self.drive == DAY


@dataclass(frozen=True)
class Moment:
    """One frame of a stream.

    part: number of its part. place: frame of the drive. mirrored: the drive is used up and shown again, left as right.
    weather: name -> severity.
    """

    part: int
    name: str
    drive: str
    place: int
    mirrored: bool
    weather: Mapping[str, float]
    fault: str
    clean: bool


def steady(name: str, frames: int, severity: float = 1.0, **more) -> Part:
    """A part of one weather, named like it."""
    return Part(name, frames, {name: (severity, severity)}, **more)


def clean(frames: int, **more) -> Part:
    return Part(CLEAN, frames, **more)


def moments(parts: Iterable[Part], lengths: Mapping[str, int], order: list[int] | None = None) -> list[Moment]:
    """Every frame of the parts in turn. Each drive goes on where it was left, and starts again, mirrored, at its end.

    lengths: frames of each drive. order: places of the DAY drive by dominant class, for parts that want it.
    """
    at = dict.fromkeys(lengths, 0)
    found = []
    for number, part in enumerate(parts):
        for step in range(part.frames):
            length = lengths[part.drive]
            rounds, place = divmod(at[part.drive], length)
            place = order[place] if part.by_class and order is not None else place
            share = step / max(part.frames - 1, 1)
            weather = {name: low + (high - low) * share for name, (low, high) in part.weather.items()}
            found.append(Moment(number, part.name, part.drive, place, rounds % 2 == 1, weather, part.fault, part.clean))
            if not part.held:
                at[part.drive] += 1
        at[part.drive] += part.held
    return found
