"""Lines over the time of a drive, as SVG for the page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

from .drive import Moment

_WIDTH, _HEIGHT = 900, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 48, 36
BANDS = ('#f1efe9', '#e4e9ef')


MARKS = {'shift': '#b7791f', 'promotion': '#2f8f5b', 'rollback': '#c2410c', 'return': '#6b6f7a'}


class Mark(NamedTuple):
    """Something that happened, marked on the chart if its kind is in MARKS."""

    time_s: float
    kind: str
    text: str


class Curve(NamedTuple):
    """values: one a moment, None for a gap. style: a class of the page's style, such as 'line'."""

    style: str
    moments: Sequence[Moment]
    values: Sequence[float | None]


def timeline(moments: Sequence[Moment], values: Sequence[float | None], unit: str, top: float) -> str:
    """A line of `values`, one a moment, above bands of segments; None (a dropped frame) is a gap with a red tick.

    top: the largest value of the axis, which begins at 0.
    """
    return timelines([Curve('line', moments, values)], unit, top)


def timelines(curves: Sequence[Curve], unit: str, top: float, marks: Sequence[Mark] = ()) -> str:
    """Several such lines, the bands being those of the first, and marks of what happened."""
    moments = curves[0].moments
    last = max(moments[-1].time_s, 1e-6)
    bottom = _HEIGHT - _BOTTOM

    def x(time_s: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(max(time_s, 0.0), last) / last

    def y(value: float) -> float:
        return bottom - (bottom - _TOP) * min(value, top) / top

    parts = [*_bands(moments, x, bottom), *_axis(top, unit, y, last, x)]
    parts += [_mark(mark, x, bottom) for mark in marks if mark.kind in MARKS]
    for curve in curves:
        parts += _line(curve, x, y, bottom)
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(parts)}</svg>'


def _line(curve: Curve, x, y, bottom):
    for there, run in groupby(zip(curve.moments, curve.values), key=lambda pair: pair[1] is not None):
        if there:
            points = [f'{x(moment.time_s):.1f},{y(value):.1f}' for moment, value in run]
            # The first point twice: a line of one point would not be drawn.
            yield f'<polyline class="{curve.style}" points="{points[0]} {" ".join(points)}"/>'
        else:
            lost = [x(moment.time_s) for moment, _ in run if moment.latency_ms is None]
            yield from (f'<path class="lost" d="M{place:.1f} {bottom - 10}V{bottom}"/>' for place in lost)


def _mark(mark: Mark, x, bottom) -> str:
    place, color = x(mark.time_s), MARKS[mark.kind]
    return (f'<g><title>{mark.time_s:.1f} s, {escape(mark.kind)}: {escape(mark.text)}</title>'
            f'<path d="M{place:.1f} {_TOP}V{bottom}" stroke="{color}" stroke-width="1.4" stroke-dasharray="3 3"/>'
            f'<path d="M{place:.1f} {_TOP + 2}l-7 -12h14z" fill="{color}"/></g>')


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
