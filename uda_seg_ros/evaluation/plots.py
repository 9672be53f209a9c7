"""The plots of the page, by Plotly: what a person can zoom, hover and switch off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..labels import LabelSpace
from ..metrics import iou
from .record import Record, Track
from .summary import over_time

SERVED, FROZEN, LATENCY, SHIFT = '#1f6f78', '#8a8f9b', '#b7791f', '#5b5fc7'
KINDS = {'shift': '#b7791f', 'promotion': '#2f8f5b', 'rejection': '#8a8f9b', 'rollback': '#c2410c', 'return': '#5b5fc7',
         'safe': '#c2410c', 'fault': '#c2410c'}
LINED = ('promotion', 'rollback')
MOST, ROW = 1500, 170  # points of a line; pixels of a row
BAG = '#21242c'
Series = tuple[str, np.ndarray, np.ndarray]  # whose, time in s, values


def course(record: Record) -> go.Figure:
    """mIoU (or agreement), shift score, latency and events over the time of the drive."""
    rows: list[tuple[str, list[Series]]] = []
    if record.labelled:
        rows.append(('mIoU, %', [(name, *over_time(record, track)) for name, track in _tracks(record)]))
    elif record.frozen is not None:
        rows.append(('agreement of served and frozen, % of pixels', [('served', record.time_s, 100 * record.agreement)]))
    if not np.isnan(record.shift).all():
        rows.append(('shift score', [('shift score', record.time_s, record.shift)]))
    rows.append(('latency, ms', [('latency', record.time_s, record.latency_ms)]))
    return _rows(rows, record)


def indicators(record: Record) -> go.Figure:
    """What is known without labels."""
    rows = [(f'{title}, %', [(name, record.time_s, 100 * getattr(track, attribute)) for name, track in _tracks(record)])
            for title, attribute in (('temporal consistency', 'consistency'), ('mean confidence', 'confidence'),
                                     ('mean entropy', 'entropy'))]
    rows = [(title, series) for title, series in rows if not all(np.isnan(values).all() for _, _, values in series)]
    if record.labelled and record.frozen is not None:
        rows.insert(0, ('agreement of served and frozen, %', [('served', record.time_s, 100 * record.agreement)]))
    return _rows(rows, record, events=False)


def _tracks(record: Record) -> list[tuple[str, Track]]:
    frozen = [('frozen', record.frozen)] if record.frozen is not None else []
    return [*frozen, ('served', record.served)]


def _rows(rows: Sequence[tuple[str, list[Series]]], record: Record, events: bool = True) -> go.Figure:
    """Rows of one time axis, with a last one of events where there were any."""
    marked = events and (record.marks or record.dropped_s)
    titles = [title for title, _ in rows] + ['events'] * bool(marked)
    figure = make_subplots(rows=len(titles), shared_xaxes=True, subplot_titles=titles, vertical_spacing=0.28 / len(titles))
    figure.update_annotations(x=0, xanchor='left', font_size=13)
    colors = {'served': SERVED, 'frozen': FROZEN, 'shift score': SHIFT, 'latency': LATENCY}
    shown: set[str] = set()
    for row, (_, series) in enumerate(rows, 1):
        for name, time_s, values in series:
            time_s, values = thinned(time_s, values)
            figure.add_scatter(
                x=time_s, y=values, name=name, legendgroup=name, showlegend=name not in shown, row=row, col=1,
                line={'color': colors[name], 'width': 1.8, 'dash': 'dot' if name == 'frozen' else 'solid'},
                hovertemplate=f'%{{y:.2f}}<extra>{name}</extra>', mode='lines' if len(values) > 1 else 'markers')
            shown.add(name)
    if marked:
        _mark(figure, record, len(titles))
    figure.update_layout(shapes=_lines(record, events))
    figure.update_xaxes(title_text='time in the drive, s', row=len(titles), col=1)
    figure.update_yaxes(automargin=True)
    return _looks(figure, ROW * len(titles) + 110)


def _mark(figure: go.Figure, record: Record, row: int) -> None:
    """One symbol an event, with its text."""
    for kind in dict.fromkeys(mark.event.kind for mark in record.marks):
        marks = [mark for mark in record.marks if mark.event.kind == kind]
        figure.add_scatter(x=[mark.time_s for mark in marks], y=[kind] * len(marks), mode='markers', name=kind, row=row,
                           col=1, marker={'color': KINDS.get(kind, FROZEN), 'size': 10, 'symbol': 'diamond'},
                           text=[wrapped(mark.event.text) for mark in marks],
                           hovertemplate='%{x:.1f} s: %{text}<extra></extra>')
    if record.dropped_s:
        dropped = record.dropped_s[::-(-len(record.dropped_s) // MOST)]
        figure.add_scatter(x=dropped, y=['dropped'] * len(dropped), mode='markers', row=row, col=1,
                           name='dropped', marker={'color': '#c2410c', 'size': 5, 'symbol': 'line-ns-open'})


def _lines(record: Record, events: bool) -> list[dict[str, Any]]:
    """Through all rows: where another bag begins, promotions and rollbacks. One shape each, as there can be thousands."""
    marked = [(time_s, BAG, 'solid') for time_s in record.starts_s]
    marked += [(mark.time_s, KINDS[mark.event.kind], 'dot') for mark in record.marks
               if events and mark.event.kind in LINED]
    return [{'type': 'line', 'xref': 'x', 'yref': 'paper', 'x0': time_s, 'x1': time_s, 'y0': 0, 'y1': 1, 'opacity': 0.6,
             'layer': 'below', 'line': {'color': color, 'width': 1, 'dash': dash}} for time_s, color, dash in marked]


def classes(record: Record, space: LabelSpace) -> go.Figure:
    """IoU of each class that is labelled somewhere, the class of the most gain first."""
    there = np.flatnonzero(record.served.confusion.sum(axis=1))
    values = {name: 100 * iou(track.confusion)[there] for name, track in _tracks(record)}
    order = np.argsort(values['served'] - values.get('frozen', 0))
    figure = go.Figure()
    for name, color in (('frozen', FROZEN), ('served', SERVED)):
        if name in values:
            figure.add_bar(y=[space.names[there[place]] for place in order], x=values[name][order], orientation='h',
                           name=name, marker_color=color, hovertemplate='%{y}: %{x:.1f} %<extra>' + name + '</extra>')
    figure.update_layout(barmode='group', bargap=0.25, legend_traceorder='reversed')
    figure.update_xaxes(title_text='IoU, %', range=[0, 100])
    figure.update_yaxes(automargin=True)
    return _looks(figure, 34 * len(there) + 150)


def confusions(record: Record, space: LabelSpace) -> list[tuple[str, go.Figure]]:
    """Of what is served, and how it differs from the frozen network's. Rows are labels, and each sums to 100 %."""
    found = [('Where the pixels of a class go, %', _heatmap(shares(record.served), space, 'Blues', 0, 100))]
    if record.frozen is not None:
        difference = shares(record.served) - shares(record.frozen)
        most = max(1.0, float(np.nanmax(np.abs(difference))))
        found.append(('Served minus frozen, points', _heatmap(difference, space, 'RdBu', -most, most)))
    return found


def shares(track: Track) -> np.ndarray:
    """Cx(C+1) in percent of the labelled pixels of a class; NaN for classes never labelled."""
    total = track.confusion.sum(axis=1, keepdims=True)
    return np.divide(100 * track.confusion, total, out=np.full(track.confusion.shape, np.nan), where=total > 0)


def _heatmap(values: np.ndarray, space: LabelSpace, colors: str, low: float, high: float) -> go.Figure:
    there = np.flatnonzero(~np.isnan(values).all(axis=1))
    named = [*space.names, 'no class']
    columns = space.num_classes + bool(np.nansum(np.abs(values[:, -1])))
    used = list(range(columns))
    figure = go.Figure(go.Heatmap(
        z=values[np.ix_(there, used)], x=[named[column] for column in used], y=[named[row] for row in there],
        colorscale=colors, zmin=low, zmax=high, colorbar={'thickness': 10},
        hovertemplate='labelled %{y}, predicted %{x}: %{z:.1f}<extra></extra>'))
    figure.update_yaxes(autorange='reversed', automargin=True)
    figure.update_xaxes(automargin=True, tickangle=-50)
    return _looks(figure, 460)


def _looks(figure: go.Figure, height: int) -> go.Figure:
    grid = {'gridcolor': '#e3e0d8', 'zeroline': False}
    figure.update_xaxes(**grid)
    figure.update_yaxes(**grid)
    figure.update_layout(
        template='none', height=height, paper_bgcolor='#ffffff', plot_bgcolor='#ffffff', hovermode='closest',
        margin={'l': 52, 'r': 14, 't': 64, 'b': 46},
        font={'family': 'system-ui, sans-serif', 'size': 12, 'color': '#21242c'},
        legend={'orientation': 'h', 'x': 0, 'xanchor': 'left', 'y': 1 + 26 / (height - 110), 'yanchor': 'bottom'})
    return figure


def thinned(time_s: np.ndarray, values: np.ndarray, most: int = MOST) -> tuple[np.ndarray, np.ndarray]:
    """Means over runs of equal length, so that a line has no more than `most` points."""
    run = -(-len(values) // most)
    if run <= 1:
        return time_s, values
    whole = np.pad(values, (0, -len(values) % run), constant_values=np.nan).reshape(-1, run)
    there = ~np.isnan(whole)
    number = there.sum(axis=1)
    mean = np.divide(np.where(there, whole, 0).sum(axis=1), number, out=np.full(len(whole), np.nan), where=number > 0)
    return time_s[::run], mean


def wrapped(text: str, width: int = 60) -> str:
    """With line breaks as Plotly wants them."""
    lines = ['']
    for word in text.replace('<', '&lt;').split():
        if len(lines[-1]) + len(word) > width:
            lines.append('')
        lines[-1] = f'{lines[-1]} {word}'.strip()
    return '<br>'.join(lines)
