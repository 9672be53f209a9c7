"""The pieces that pages are made of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from .style import CSS


def document(title: str, body: str) -> str:
    """A whole page; its look is inside, nothing is fetched from anywhere."""
    return ('<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{escape(title)}</title><style>{CSS}</style></head>\n<body><main>\n{body}\n'
            '</main></body></html>\n')


def header(eyebrow: str, title: str, lead: str) -> str:
    """eyebrow: HTML; the other two are plain text."""
    return (f'<header><p class="eyebrow">{eyebrow}</p><h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p></header>')


def tile(value: str, name: str, kind: str = '') -> str:
    """value: HTML. kind: '', 'good' or 'warn'."""
    return f'<div class="tile {kind}"><b>{value}</b><span>{escape(name)}</span></div>'


def number(value: float | None, unit: str, digits: int) -> str:
    """A dash where there is none."""
    return '&ndash;' if value is None or math.isnan(value) else f'{value:.{digits}f}&nbsp;{unit}'


def bars(values: Iterable[tuple[str, float | None]]) -> str:
    """One bar a name, of 0 to 100 percent; none where there is no value."""
    inside = ''.join(f'<div class="bar"><span>{escape(name)}</span><i style="--share:{_length(value):.1f}%"></i>'
                     f'<b>{number(value, "%", 1)}</b></div>' for name, value in values)
    return f'<div class="bars">{inside}</div>'


def _length(value: float | None) -> float:
    return 0.0 if value is None or math.isnan(value) else value


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """head: plain text. rows: HTML but for the first cell, which is plain text."""
    top = ''.join(f'<th>{escape(text)}</th>' for text in head)
    lines = ''.join(f'<tr><td>{escape(first)}</td>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
                    for first, *cells in rows)
    return f'<div class="scroll"><table><tr>{top}</tr>{lines}</table></div>'


def picture(name: str, meaning: str) -> str:
    """A wide picture from beside the page, to be opened by a click."""
    source = escape(name)
    return (f'<div class="sheet"><a href="{source}"><img src="{source}" loading="lazy" alt="{escape(meaning)}"></a></div>')


def facts(rows: Iterable[tuple[str, object]]) -> str:
    """Names and what is known of them, as plain text."""
    lines = ''.join(f'<tr><td>{escape(str(name))}</td><td class="text">{escape(str(value))}</td></tr>'
                    for name, value in rows)
    return f'<div class="scroll"><table>{lines}</table></div>'
