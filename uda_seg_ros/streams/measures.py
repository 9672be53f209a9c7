"""The measures of a method on a stream, each paired with the frozen network on the same frames. In mIoU points (percent).

Definitions: gain, regret and time_worse are mean, minimum and share below -0.5 of the differences of a window of W frames
that slides over the stream. It slides over clean parts, too, where there is nothing to gain: shift_gain is the mean of the
windows without a clean frame. Recovery and delay count frames from the beginning of a part, and are medians of those that
ever came: how many did stands beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from .schedule import Moment
from .trace import WINDOW, Trace, miou

WORSE = -0.5
SETTLE = 20  # frames that a method has to come back to clean
RECOVERED = 0.9
ABRUPT = 0.25  # of severity from one frame to the next
LEAST_GAIN = 0.5  # of a part's second half, for a recovery to be one


@dataclass(frozen=True)
class Span:
    """A part of the schedule: frames start up to, not including, stop."""

    start: int
    stop: int
    name: str
    clean: bool
    abrupt: bool

    @property
    def frames(self) -> slice:
        return slice(self.start, self.stop)


def spans(moments: Sequence[Moment]) -> list[Span]:
    """The parts in turn. abrupt: the weather leaps at its beginning, or the drive changes."""
    found, start = [], 0
    for _, run in groupby(moments, key=lambda moment: moment.part):
        run = list(run)
        abrupt = start > 0 and _leaps(moments[start - 1], run[0])
        found.append(Span(start, start + len(run), run[0].name, run[0].clean, abrupt))
        start += len(run)
    return found


def _leaps(before: Moment, after: Moment) -> bool:
    names = {*before.weather, *after.weather}
    return before.drive != after.drive or before.fault != after.fault or any(
        abs(before.weather.get(name, 0) - after.weather.get(name, 0)) >= ABRUPT for name in names)


def windowed(counts: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """mIoU of every whole window that slides over the frames, at least one; the value at i ends at frame i + window - 1."""
    window = min(window, len(counts))
    total = np.cumsum(np.concatenate([np.zeros_like(counts[:1]), counts]), axis=0)
    return miou(total[window:] - total[:-window])


def differences(served: np.ndarray, frozen: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """Of every window, without those that hold no label; never empty."""
    found = windowed(served, window) - windowed(frozen, window)
    found = found[~np.isnan(found)]
    return found if len(found) else np.zeros(1)


def paired(served: np.ndarray, frozen: np.ndarray) -> dict[str, float]:
    """gain, regret, time_worse."""
    found = differences(served, frozen)
    return {'gain': float(found.mean()), 'regret': float(found.min()), 'time_worse': float((found < WORSE).mean())}


def way_back(served: Trace, frozen: Trace, parts: Sequence[Span]) -> float | None:
    """On the last clean part after another: served minus frozen, once it has had 20 frames (half of the part) to settle."""
    last = parts[-1]
    if not last.clean or all(part.clean for part in parts):
        return None
    start = last.start + min(SETTLE, (last.stop - last.start) // 2)
    return _points(served, frozen, slice(start, last.stop))


def shift_gain(served: Trace, frozen: Trace, parts: Sequence[Span]) -> float | None:
    """Mean difference of the windows without a clean frame; None where there are none."""
    clean = np.zeros(len(served))
    for part in parts:
        clean[part.frames] = part.clean
    window = min(WINDOW, len(served))
    found = (windowed(served.counts) - windowed(frozen.counts))[np.convolve(clean, np.ones(window), 'valid') < 0.5]
    found = found[~np.isnan(found)]
    return float(found.mean()) if len(found) else None


def recoveries(served: Trace, frozen: Trace, parts: Sequence[Span]) -> list[int | None]:
    """Of every abrupt shift, the frames until 90 % of what the part's second half gains; None where that is next to nothing.

    Parts shorter than a window are left out: over few frames the scene decides, not the method.
    """
    return [_recovery(served.counts[part.frames], frozen.counts[part.frames]) for part in parts
            if part.abrupt and not part.clean and part.stop - part.start >= WINDOW]


def _recovery(served: np.ndarray, frozen: np.ndarray) -> int | None:
    half = len(served) // 2
    plateau = float(miou(served[half:].sum(0)) - miou(frozen[half:].sum(0)))
    if not plateau >= LEAST_GAIN:
        return None
    window = max(1, min(WINDOW, half) // 3)
    now = windowed(served, window) - windowed(frozen, window)
    reached = np.flatnonzero(now >= RECOVERED * plateau)
    return int(reached[0]) + window - 1 if len(reached) else None


def detection_delays(served: Trace, parts: Sequence[Span]) -> list[int | None]:
    """Of every time that clean ends, the frames to the first event 'shift' before it is clean again; None without one."""
    told = [happening.frame for happening in served.happenings if happening.kind == 'shift']
    runs = [list(run) for clean, run in groupby(parts, key=lambda part: part.clean) if not clean]
    inside = [(run[0].start, [frame for frame in told if run[0].start <= frame < run[-1].stop]) for run in runs]
    return [frames[0] - start if frames else None for start, frames in inside]


def _median(values: Sequence[int | None]) -> float | None:
    """Of those that are there."""
    there = [value for value in values if value is not None]
    return float(np.median(there)) if there else None


def _come(values: Sequence[int | None]) -> int:
    return sum(value is not None for value in values)


def false_alarms(served: Trace, parts: Sequence[Span]) -> float | None:
    """Events 'shift' on clean frames, per 1,000 of these; None where no frame is clean."""
    clean = np.zeros(len(served), bool)
    for part in parts:
        clean[part.frames] = part.clean
    told = sum(clean[happening.frame] for happening in served.happenings if happening.kind == 'shift')
    return 1000 * float(told) / clean.sum() if clean.any() else None


def plateaus(trace: Trace, parts: Sequence[Span]) -> list[tuple[str, float]]:
    """(name, mIoU) of every part that has labels."""
    values = [(part.name, float(miou(trace.counts[part.frames].sum(0)))) for part in parts]
    return [(name, value) for name, value in values if not np.isnan(value)]


def harmonic_mean(values: Sequence[float]) -> float | None:
    """n / sum(1 / m); None without values, or where one is 0."""
    return len(values) / sum(1 / value for value in values) if values and min(values) > 0 else None


def backward_transfer(served: Trace, frozen: Trace, parts: Sequence[Span]) -> float | None:
    """The last clean part minus the first, each paired with frozen, as the two show other places; None without two."""
    clean = [part for part in parts if part.clean]
    if len(clean) < 2:
        return None
    first, last = (_points(served, frozen, part.frames) for part in (clean[0], clean[-1]))
    return last - first


def forgetting(served: Trace, frozen: Trace, parts: Sequence[Span]) -> float | None:
    """Over conditions met again: the best earlier gain minus the last, the greatest of them; None where none returns."""
    gains: dict[str, list[float]] = {}
    for part in parts:
        gains.setdefault(part.name, []).append(_points(served, frozen, part.frames))
    found = [max(values[:-1]) - values[-1] for values in gains.values() if len(values) > 1]
    return float(np.nanmax(found)) if found and not np.all(np.isnan(found)) else None


def gain_at_end(served: Trace, frozen: Trace) -> float:
    """Of the last fifth of the stream."""
    last = slice(len(served) * 4 // 5, None)
    return float(differences(served.counts[last], frozen.counts[last]).mean())


def _points(served: Trace, frozen: Trace, frames: slice) -> float:
    """Served minus frozen, pooled over frames."""
    return float(miou(served.counts[frames].sum(0)) - miou(frozen.counts[frames].sum(0)))


def measure(served: Trace, frozen: Trace, moments: Sequence[Moment]) -> dict[str, float | int | None]:
    """All of them."""
    parts = spans(moments)
    kinds = [happening.kind for happening in served.happenings]
    events = {name: kinds.count(kind) for name, kind in (
        ('promotions', 'promotion'), ('rejections', 'rejection'), ('rollbacks', 'rollback'))}
    levels = [value for _, value in plateaus(served, parts)]
    recovered, detected = recoveries(served, frozen, parts), detection_delays(served, parts)
    return {
        **paired(served.counts, frozen.counts), 'gain_at_end': gain_at_end(served, frozen),
        'shift_gain': shift_gain(served, frozen, parts), 'way_back': way_back(served, frozen, parts),
        'recovery': _median(recovered),
        'abrupt_parts': len(recovered), 'parts_recovered': _come(recovered),
        'miou': float(miou(served.counts.sum(0))), 'frozen_miou': float(miou(frozen.counts.sum(0))),
        'h_mean': harmonic_mean(levels), 'frozen_h_mean': harmonic_mean([value for _, value in plateaus(frozen, parts)]),
        'backward_transfer': backward_transfer(served, frozen, parts), 'forgetting': forgetting(served, frozen, parts),
        'detection_delay': _median(detected), 'shifts': len(detected), 'shifts_found': _come(detected),
        'false_alarms': false_alarms(served, parts), **events,
        'lost_frames': int(served.lost.sum())}
