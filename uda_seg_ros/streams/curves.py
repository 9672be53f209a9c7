"""Curves of sliding mIoU over a stream, served against frozen, as SVG for the page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from .measures import WINDOW, Span, windowed
from .trace import Happening, Trace

WIDTH, HEIGHT = 900, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 46, 40
BANDS = {True: '#f6f4ee', False: '#dfe6ee'}
MARKS = {'shift': '#b7791f', 'promotion': '#2f8f5b', 'rollback': '#c2410c', 'return': '#6b6f7a'}
STYLE = ('svg .frozen { fill: none; stroke: #6b6f7a; stroke-width: 1.8; stroke-dasharray: 5 4; } '
         'svg .served { fill: none; stroke: var(--accent); stroke-width: 2.2; stroke-linejoin: round; }')


def curves(served: Trace, frozen: Trace, parts: Sequence[Span], happenings: Sequence[Happening]) -> str:
    """Both lines end where their window ends; bands are the parts of the schedule, marks below are events."""
    lines = [windowed(trace.counts) for trace in (frozen, served)]
    first = len(served) - len(lines[0])
    low, high = _range(np.concatenate(lines))

    def x(frame: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * frame / max(len(served) - 1, 1)

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * (value - low) / (high - low)

    inside = [*_bands(parts, x), *_axis(low, high, len(served), x, y)]
    for name, values in zip(('frozen', 'served'), lines):
        inside += [f'<polyline class="{name}" points="{points}"/>' for points in _runs(values, first, x, y)]
    inside += [_mark(happening, x) for happening in happenings if happening.kind in MARKS]
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(inside)}</svg>'


def legend() -> str:
    """What lines and marks mean."""
    marks = ''.join(f'<li><i style="--color:{color}"></i>{escape(kind)}</li>' for kind, color in MARKS.items())
    return (f'<p class="lead">Solid: served. Dashed: the frozen network. mIoU of the last {WINDOW} frames; grey-blue: '
            f'weather, dusk or a fault.</p><ul class="legend">{marks}</ul>')


def _range(values: np.ndarray) -> tuple[float, float]:
    """Multiples of 10 about all values, at least 20 apart."""
    values = values[~np.isnan(values)]
    if not len(values):
        return 0.0, 100.0
    low, high = 10 * np.floor(values.min() / 10), 10 * np.ceil(values.max() / 10)
    return float(max(0.0, low if high - low >= 20 else high - 20)), float(max(high, 20.0))


def _bands(parts: Sequence[Span], x):
    width = WIDTH / 12
    free = 0.0  # names that would overlap are left out
    for part in parts:
        left, right = x(part.start), x(part.stop)
        yield (f'<rect x="{left:.1f}" y="{_TOP}" width="{max(0.5, right - left):.1f}" '
               f'height="{HEIGHT - _BOTTOM - _TOP}" fill="{BANDS[part.clean]}"/>')
        if left >= free and right - left > width / 4:
            yield f'<text class="band" x="{left + 3:.1f}" y="{_TOP - 18}">{escape(part.name)}</text>'
            free = left + 8.5 * len(part.name) + 8


def _axis(low: float, high: float, frames: int, x, y):
    for value in (low, (low + high) / 2, high):
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        yield f'<text class="tick" x="{_LEFT - 8}" y="{y(value) + 5:.1f}" text-anchor="end">{value:.0f}</text>'
    for share in (0, 0.5, 1):
        anchor = 'start' if share == 0 else 'end' if share == 1 else 'middle'
        frame = share * (frames - 1)
        yield f'<text class="tick" x="{x(frame):.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">frame {frame:.0f}</text>'


def _runs(values: np.ndarray, first: int, x, y):
    """Points of each stretch without a gap; a window without labels is one."""
    points: list[str] = []
    for place, value in enumerate([*values, np.nan]):
        if np.isnan(value):
            if points:
                yield ' '.join([points[0], *points])
            points = []
        else:
            points.append(f'{x(first + place):.1f},{y(value):.1f}')


def _mark(happening: Happening, x) -> str:
    place, bottom = x(happening.frame), HEIGHT - _BOTTOM
    return (f'<path d="M{place:.1f} {_TOP}V{bottom}" stroke="{MARKS[happening.kind]}" stroke-width=".8" opacity=".5"/>'
            f'<path d="M{place:.1f} {bottom}l-5 9h10z" fill="{MARKS[happening.kind]}"><title>frame {happening.frame}: '
            f'{escape(happening.kind)} {escape(happening.text)}</title></path>')
