"""How sure gain and regret are: a paired moving-block bootstrap over frames (Kuensch, 1989), kept local.

Weather changes along a stream, and a window that mixed fog with clear air would measure neither. So a block is replaced by
one from nearby in the same part of the schedule (the local block bootstrap of Paparoditis and Politis, 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from .measures import Span, paired
from .trace import Trace

BLOCK, DRAWS, LEVEL = 10, 2000, 0.95
REACH = 2  # blocks to either side from which a block may come


def intervals(pairs: Sequence[tuple[Trace, Trace]], parts: Sequence[Span], *, draws: int = DRAWS, block: int = BLOCK,
              seed: int = 0) -> dict[str, tuple[float, float]]:
    """(low, high) of 'gain' and 'regret', means over runs. pairs: (served, frozen) of each run, all of one schedule.

    The frames drawn are the same for served and frozen. A window over blocks that lie apart shows more kinds of frames than
    one of the stream, and its mIoU gains more or less than the mean of theirs: the gain's interval is moved back by that.
    """
    rng = np.random.default_rng(seed)
    places = slots(strata(parts, 2 * block), block)
    counts = [_labelled(served.counts, frozen.counts) for served, frozen in pairs]
    found = np.empty((draws, 2))
    for draw in range(draws):
        of_runs = []
        for served, frozen in counts:
            chosen = resampled(places, rng)
            measured = paired(served[chosen], frozen[chosen])
            of_runs.append((measured['gain'], measured['regret']))
        found[draw] = np.mean(of_runs, axis=0)
    found[:, 0] += np.mean([paired(*each)['gain'] for each in counts]) - found[:, 0].mean()
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(found, (tail, 100 - tail), axis=0).tolist()
    return {name: (low[place], high[place]) for place, name in enumerate(('gain', 'regret'))}


def _labelled(served: np.ndarray, frozen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Only the classes that are labelled somewhere: no other counts."""
    there = served[:, 1].any(axis=0)
    return served[..., there], frozen[..., there]


def strata(parts: Sequence[Span], least: int) -> list[tuple[int, int]]:
    """(start, stop) of what blocks may be drawn from: the parts, but those in a row of less than `least` frames as one."""
    runs = [list(run) for _, run in groupby(parts, key=lambda part: part.stop - part.start < least)]
    return [area for run in runs for area in (
        [(run[0].start, run[-1].stop)] if run[0].stop - run[0].start < least else [(part.start, part.stop) for part in run])]


def slots(areas: Sequence[tuple[int, int]], block: int) -> np.ndarray:
    """Mx3 int: of every block that fills the areas, the least and greatest frame it may start at, and its length."""
    found = []
    for start, stop in areas:
        for begin in range(start, stop, block):
            length = min(block, stop - begin)
            found.append((max(start, begin - REACH * block), min(stop - length, begin + REACH * block), length))
    return np.array(found)


def resampled(places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Frame numbers, as many as there are. places: see `slots`."""
    starts = rng.integers(places[:, 0], places[:, 1] + 1)
    return np.concatenate([np.arange(start, start + length) for start, length in zip(starts, places[:, 2])])
