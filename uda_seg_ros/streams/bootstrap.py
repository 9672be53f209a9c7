"""How sure gain and regret are: a paired moving-block bootstrap over frames (Kuensch, 1989)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .measures import Span, paired
from .trace import Trace

BLOCK, DRAWS, LEVEL = 10, 2000, 0.95


def intervals(pairs: Sequence[tuple[Trace, Trace]], parts: Sequence[Span], *, draws: int = DRAWS, block: int = BLOCK,
              seed: int = 0) -> dict[str, tuple[float, float]]:
    """(low, high) of 'gain' and 'regret', means over runs. pairs: (served, frozen) of each run, all of one schedule.

    Frames are drawn in blocks that follow each other in the stream, the same for served and frozen, and from their own part
    of the schedule: a window keeps its mix of weathers.
    """
    rng = np.random.default_rng(seed)
    areas = strata(parts, 2 * block)
    counts = [_labelled(served.counts, frozen.counts) for served, frozen in pairs]
    found = np.empty((draws, 2))
    for draw in range(draws):
        of_runs = []
        for served, frozen in counts:
            chosen = resampled(areas, block, rng)
            measured = paired(served[chosen], frozen[chosen])
            of_runs.append((measured['gain'], measured['regret']))
        found[draw] = np.mean(of_runs, axis=0)
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(found, (tail, 100 - tail), axis=0).tolist()
    return {name: (low[place], high[place]) for place, name in enumerate(('gain', 'regret'))}


def _labelled(served: np.ndarray, frozen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Only the classes that are labelled somewhere: no other counts."""
    there = served[:, 1].any(axis=0)
    return served[..., there], frozen[..., there]


def strata(parts: Sequence[Span], least: int) -> list[tuple[int, int]]:
    """(start, stop) of what blocks may be drawn from: parts, short ones joined with those after them (flicker)."""
    found: list[tuple[int, int]] = []
    for part in parts:
        if found and (found[-1][1] - found[-1][0] < least or part.stop - part.start < least):
            found[-1] = found[-1][0], part.stop
        else:
            found.append((part.start, part.stop))
    return found


def resampled(areas: Sequence[tuple[int, int]], block: int, rng: np.random.Generator) -> np.ndarray:
    """Frame numbers, as many as there are, each area of blocks of its own."""
    chosen = []
    for start, stop in areas:
        length = min(block, stop - start)
        starts = rng.integers(start, stop - length + 1, -(-(stop - start) // length))
        chosen.append((starts[:, None] + np.arange(length)).reshape(-1)[: stop - start])
    return np.concatenate(chosen)
