"""Lines over the time of a drive, as SVG for the page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from .drive import Moment

_WIDTH, _HEIGHT = 900, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 48, 36
BANDS = ('#f1efe9', '#e4e9ef')


def timeline(moments: Sequence[Moment], values: Sequence[float | None], unit: str, top: float) -> str:
    """A line of `values`, one a moment, above bands of segments; None (a dropped frame) is a gap with a red tick.

    top: the largest value of the axis, which begins at 0.
    """
    last = max(moments[-1].time_s, 1e-6)
    bottom = _HEIGHT - _BOTTOM

    def x(time_s: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * time_s / last

    def y(value: float) -> float:
        return bottom - (bottom - _TOP) * min(value, top) / top

    parts = [*_bands(moments, x, bottom), *_axis(top, unit, y, last, x)]
    pairs = list(zip(moments, values))
    for there, run in groupby(pairs, key=lambda pair: pair[1] is not None):
        if there:
            points = [f'{x(moment.time_s):.1f},{y(value):.1f}' for moment, value in run]
            # The first point twice: a line of one point would not be drawn.
            parts.append(f'<polyline class="line" points="{points[0]} {" ".join(points)}"/>')
        else:
            lost = [x(moment.time_s) for moment, _ in run if moment.latency_ms is None]
            parts.extend(f'<path class="lost" d="M{place:.1f} {bottom - 10}V{bottom}"/>' for place in lost)
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(parts)}</svg>'


def _bands(moments, x, bottom):
    """A background for each run of one segment, and its name."""
    runs = [list(run) for _, run in groupby(moments, key=lambda moment: moment.segment)]
    for place, run in enumerate(runs):
        end = runs[place + 1][0].time_s if place + 1 < len(runs) else run[-1].time_s
        left, right = x(run[0].time_s), x(end)
        yield (f'<rect x="{left:.1f}" y="{_TOP}" width="{max(0.5, right - left):.1f}" height="{bottom - _TOP}" '
               f'fill="{BANDS[place % 2]}"/>')
        yield f'<text class="band" x="{left + 6:.1f}" y="{_TOP - 20}">{escape(run[0].segment)}</text>'


def _axis(top, unit, y, last, x):
    for share in (0, 0.5, 1):
        height = y(top * share)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{height:.1f}" y2="{height:.1f}"/>'
        yield f'<text class="tick" x="{_LEFT - 8}" y="{height + 5:.1f}" text-anchor="end">{top * share:.0f}</text>'
    yield f'<text class="tick" x="{_LEFT - 8}" y="{_TOP - 20}" text-anchor="end">{escape(unit)}</text>'
    for share in (0, 0.25, 0.5, 0.75, 1):
        anchor = 'start' if share == 0 else 'end' if share == 1 else 'middle'
        yield (f'<text class="tick" x="{x(last * share):.1f}" y="{_HEIGHT - 9}" text-anchor="{anchor}">'
               f'{last * share:.1f} s</text>')
