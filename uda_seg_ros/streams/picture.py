"""The curves of the adapter over all streams as one picture, for a page of text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .ablation import WHOLE
from .bench import Run
from .curves import HEIGHT, MARKS, STYLE, WIDTH, curves
from .errors import StreamError
from .measures import spans

_HEAD = 34
_PLAIN = ('svg { font-family: sans-serif; } text { fill: #6b6f7a; font-size: 14px; } '
          'text.band, text.title { fill: #21242c; } '
          'text.title { font-size: 17px; } .grid { stroke: #d8d5cc; stroke-width: .7; }')


def picture(runs: Sequence[Run]) -> str:
    """SVG: of each stream the adapter's first run against the frozen network. Raises StreamError without a run of it."""
    first = {run.stream.name: run for run in reversed(runs) if run.method == WHOLE}
    if not first:
        raise StreamError(f'--picture shows {WHOLE}, which is not among the methods')
    panels = ''.join(_panel(run, place * (HEIGHT + _HEAD)) for place, run in enumerate(sorted(
        first.values(), key=lambda run: run.stream.name)))
    style = (STYLE + _PLAIN).replace('var(--accent)', '#1f6f78')
    height = len(first) * (HEIGHT + _HEAD)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
            f'<style>{style}</style><rect width="100%" height="100%" fill="#ffffff"/>{panels}</svg>\n')


def _panel(run: Run, top: float) -> str:
    drawn = curves(run.trace, run.frozen, spans(run.footage.moments), run.trace.happenings)
    placed = drawn.replace('<svg ', f'<svg y="{top + _HEAD}" width="{WIDTH}" height="{HEIGHT}" ', 1)
    keys = ''.join(f'<tspan fill="{color}" dx="12">&#9650; {escape(kind)}</tspan>' for kind, color in MARKS.items())
    title = escape(f'{run.stream.name}: {run.stream.title}')
    return (f'<text class="title" x="52" y="{top + 24}">{title}</text>'
            f'<text x="{WIDTH - 14}" y="{top + 24}" text-anchor="end">solid: served, dashed: frozen{keys}</text>{placed}')
