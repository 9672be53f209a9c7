"""The streams, one row each: what they test, how long they are, and their parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..config import nearest
from ..procedural import FAMILIES
from .errors import StreamError
from .schedule import DUSK, Part, clean, steady

RAIN = (0.0, 0.125, 0.25, 0.375, 0.5, 1.0)  # some 0, 25, 50, 75, 100 and 200 mm/h
TEST, TUNE = ('fog', 'night', 'rain', 'snow', 'drops'), FAMILIES['tune']


@dataclass(frozen=True)
class Stream:
    """kind: 'shift' (there is something to gain) or 'trap' (there is only something to lose). frames: of the full length.

    make: (frames, families, rng) -> parts that add up to so many frames; families: the weathers in the order they are used.
    """

    name: str
    title: str
    kind: Literal['shift', 'trap']
    frames: int
    make: Callable[[int, Sequence[str], np.random.Generator], list[Part]]

    def parts(self, frames: int | None = None, *, tune: bool = False, seed: int = 0) -> list[Part]:
        """frames: another length; every part keeps its share. tune: the families that settings may be chosen on.

        Raises StreamError for a length that is too short to hold the parts.
        """
        frames = frames or self.frames
        rng = np.random.default_rng([seed, ord(self.name)])
        parts = self.make(frames, TUNE if tune else TEST, rng)
        if min(part.frames for part in parts) < 1:
            raise StreamError(f'stream {self.name}: {frames} frames are too few for its {len(parts)} parts')
        return parts


def split(frames: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers in proportion to the shares that add up to `frames`."""
    ends = np.rint(np.cumsum(shares) / np.sum(shares) * frames).astype(int)
    return np.diff(ends, prepend=0).tolist()


def _clean(frames, families, rng):
    return [clean(frames)]


def _dusk(frames, families, rng, weather=None):
    before, during, after = split(frames, (171, 124, 171))
    return [clean(before), Part('dusk', during, weather or {}, drive=DUSK), clean(after)]


def _storm(frames, families, rng):
    family = 'rain' if 'rain' in families else families[-1]
    levels = (*RAIN, *reversed(RAIN[:-1]))
    return [Part(f'{family} {level:g}', count, {family: (level, level)}) if level else clean(count)
            for level, count in zip(levels, split(frames, [1] * len(levels)))]


def _gradual(frames, families, rng):
    before, up, down, after = split(frames, (1, 3, 3, 1))
    return [clean(before), Part('rising', up, {families[0]: (0, 1)}), Part('falling', down, {families[0]: (1, 0)}),
            clean(after)]


def _cycle(frames, families, rng):
    """Blocks of 80 frames, so that one detected late is still worth adapting to; shorter where the stream is."""
    used = families[:4]
    rounds = max(1, round((frames - 160) / (80 * len(used))))
    counts = split(frames, [1] * (rounds * len(used) + 2))
    blocks = [steady(used[i % len(used)], count, 0.7) for i, count in enumerate(counts[1:-1])]
    return [clean(counts[0]), *blocks, clean(counts[-1])]


def _flicker(frames, families, rng):
    """A tunnel (or its like among the families for tuning) every other five frames."""
    weather = 'night' if 'night' in families else families[0]
    counts = split(frames, [1] * max(2, frames // 5))
    return [steady(weather, count, 0.8) if i % 2 else clean(count) for i, count in enumerate(counts)]


def _static(frames, families, rng):
    before, during, after = split(frames, (60, 300, 60))
    return [clean(before), steady(families[0], during, 0.6, held=True), clean(after)]


def _faults(frames, families, rng):
    counts = split(frames, (60, 20, 60, 20, 60, 20, 60))
    faults = ('', 'black', '', 'frozen', '', 'saturated', '')
    return [Part(fault, count, fault=fault, held=True) if fault else clean(count) for fault, count in zip(faults, counts)]


def _long(frames, families, rng):
    """Clean first; then every 50 frames another severity to drift to; at 0 another family takes over."""
    counts = split(frames, [1] * max(3, round(frames / 50)))
    parts, severity, family = [clean(counts[0])], 0.0, str(rng.choice(families))
    for count in counts[1:]:
        if severity == 0:
            family = str(rng.choice(families))
        after = float(np.clip(severity + rng.uniform(-0.7, 0.7), 0, 1))
        name = f'{family} {severity:.1f} to {after:.1f}'
        parts.append(Part(name, count, {family: (severity, after)}) if severity or after else clean(count))
        severity = after
    return parts


def _sorted(frames, families, rng):
    return [Part('by class', frames, by_class=True)]


def _dusk_and_rain(frames, families, rng):
    weather = 'rain' if 'rain' in families else families[-1]
    return _dusk(frames, families, rng, {weather: (0.4, 0.4)})


STREAMS = {stream.name: stream for stream in (
    Stream('A', 'clean', 'trap', 513, _clean),
    Stream('B', 'dusk and back', 'shift', 466, _dusk),
    Stream('C', 'storm, up and down in steps', 'shift', 440, _storm),
    Stream('D', 'fog, gradual', 'shift', 342, _gradual),
    Stream('E', 'abrupt cycle of weathers', 'shift', 1760, _cycle),
    Stream('F', 'flicker', 'trap', 300, _flicker),
    Stream('G', 'long stop', 'trap', 420, _static),
    Stream('H', 'sensor faults', 'trap', 300, _faults),
    Stream('I', 'long walk', 'shift', 5000, _long),
    Stream('J', 'labels in order', 'trap', 342, _sorted),
    Stream('K', 'dusk and rain', 'shift', 466, _dusk_and_rain),
)}


def find_stream(text: str) -> Stream:
    """By its name, or 'NAME:FRAMES' for one of another length. Raises StreamError."""
    name, colon, frames = text.partition(':')
    if name not in STREAMS:
        raise StreamError(f'unknown stream {name!r}{nearest(name, STREAMS)}; known: {", ".join(STREAMS)}')
    if colon and not (frames.isdecimal() and int(frames)):
        raise StreamError(f'stream {text!r}: after the colon stands a number of frames')
    return replace(STREAMS[name], frames=int(frames)) if colon else STREAMS[name]
