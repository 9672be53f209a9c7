"""The segments of a drive that are scored apart, such as clear, fog, clear."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path


class Segments:
    """Names of runs of frames, in order. A name that comes twice is numbered: 'clear 1', 'fog', 'clear 2'.

    Frames beyond the last segment belong to the last one.
    """

    def __init__(self, segments: Sequence[tuple[str, int]]) -> None:
        """segments: (name, number of frames), at least one, else ValueError."""
        if not segments:
            raise ValueError('at least one segment is needed')
        repeated = Counter(name for name, _ in segments)
        seen: Counter[str] = Counter()
        names = []
        for name, _ in segments:
            seen[name] += 1
            names.append(f'{name} {seen[name]}' if repeated[name] > 1 else name)
        self.names = tuple(names)
        self._starts = [0, *accumulate(frames for _, frames in segments)][:-1]

    def of(self, index: int) -> str:
        """The name of the segment that frame `index` lies in."""
        return self.names[bisect_right(self._starts, index) - 1]


def segments_in(path: Path) -> Segments:
    """The segments that a procedural drive tells of itself (drive.json). Raises ValueError if it tells nothing."""
    try:
        segments = json.loads(path.read_text(encoding='utf-8'))['segments']
        # There a repeated name ends in a number of its own.
        return Segments([(re.sub(r'_\d+$', '', part['name']), part['stop'] - part['start']) for part in segments])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path}: no segments in it: {error!r}') from error


def parse_segments(text: str) -> Segments:
    """Segments of 'clear:100,fog:0..1:200,clear:100': name, anything, number of frames; a weather schedule reads the same.

    Raises ValueError with one line.
    """
    segments = []
    for part in text.split(','):
        name, *middle = part.strip().split(':')
        frames = middle[-1] if middle else ''
        if not name or not frames.isdecimal() or int(frames) == 0:
            raise ValueError(f"{part.strip()!r} in {text!r}: expected name:frames, for example 'clear:100,fog:200'")
        segments.append((name, int(frames)))
    return Segments(segments)
