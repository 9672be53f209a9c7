"""The page of a benchmark: one file, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..report.html import document, facts, header, number, table, tile
from .bench import Run
from .curves import STYLE, curves, legend
from .measures import spans
from .results import overall, reached

OURS = 'ours'


def render(found: Sequence[Mapping[str, Any]], runs: Sequence[Run], signals: Sequence[Mapping[str, Any]],
           settings: Mapping[str, Any]) -> str:
    """found: of results.rows. signals: of results.signals. settings: what the benchmark was run with."""
    summary = overall(found)
    chosen = next((row for row in summary if row['method'] == OURS), summary[-1])
    streams = list(dict.fromkeys(row['stream'] for row in found))
    body = [_head(chosen, streams, settings), '<h2>Over all streams</h2>', _overall(summary),
            '<h2>Gain by stream</h2>', _gains(found, streams), f'<h2>Curves</h2>{legend()}']
    body += [_stream([row for row in found if row['stream'] == name], [each for each in runs if each.stream.name == name])
             for name in streams]
    body += [_signals(signals), '<h2>How it was made</h2>', facts(settings.items())]
    return document(f'Online adaptation: {chosen["method"]}', f'<style>{STYLE}</style>' + '\n'.join(body))


def _head(chosen: Mapping[str, Any], streams: Sequence[str], settings: Mapping[str, Any]) -> str:
    gain, regret = chosen['gain_on_shift'], chosen['regret_on_traps']
    tiles = [(points(gain), 'gain over frozen where the road changes', _kind(gain, 0)),
             (points(regret), 'worst window where it does not', _kind(regret, -0.5)),
             (points(chosen['way_back']), 'after the way back to clear weather', _kind(chosen['way_back'], -0.2)),
             (f'{100 * chosen["time_worse"]:.1f}&nbsp;%', 'of the windows worse than frozen, at most',
              _kind(-chosen['time_worse'], -0.02))]
    lead = f'{chosen["method"]} on streams {", ".join(streams)} of {settings["data"]}; mIoU points, paired with frozen'
    inside = ''.join(tile(*each) for each in tiles)
    return (f'{header("uda_seg_ros &middot; streams", "Adaptation against the frozen network", lead)}'
            f'<div class="tiles">{inside}</div>')


def _kind(value: float | None, least: float) -> str:
    return '' if value is None else 'good' if value >= least else 'warn'


def points(value: float | None) -> str:
    """'+1.2', a dash where there is none."""
    return '&ndash;' if value is None else f'{value:+.2f}'


def _overall(summary: Sequence[Mapping[str, Any]]) -> str:
    return table(('method', 'gain (shift)', 'regret (traps)', 'way back', 'worse, at most'), (
        (row['method'], points(row['gain_on_shift']), points(row['regret_on_traps']), points(row['way_back']),
         f'{100 * row["time_worse"]:.1f} %') for row in summary))


def _gains(found: Sequence[Mapping[str, Any]], streams: Sequence[str]) -> str:
    by = {(row['stream'], row['method']): row['gain'] for row in found}
    methods = dict.fromkeys(row['method'] for row in found)
    return table(('method', *streams),
                 ((method, *(points(by.get((name, method))) for name in streams)) for method in methods))


def _stream(found: Sequence[Mapping[str, Any]], runs: Sequence[Run]) -> str:
    """The curve of our own adapter (else of the best method) in the open, the others folded away."""
    head = found[0]
    best = max(found, key=lambda row: (row['method'] == OURS, row['method'].startswith(OURS), row['gain']))['method']
    drawn = {row['method']: _curve(next(each for each in runs if each.method == row['method'])) for row in found}
    others = ''.join(f'<h3>{escape(name)}</h3>{curve}' for name, curve in drawn.items() if name not in (best, 'frozen'))
    more = f'<details><summary>Curves of the other methods</summary>{others}</details>' if others else ''
    title = f'{head["stream"]} &middot; {escape(head["title"])} ({head["kind"]})'
    return f'<h2>{title}</h2><h3>{escape(best)}</h3>{drawn[best]}{more}{_figures(found)}'


def _curve(run: Run) -> str:
    return curves(run.trace, run.frozen, spans(run.footage.moments), run.trace.happenings)


def _figures(found: Sequence[Mapping[str, Any]]) -> str:
    names = ('gain', 'gain, 95 %', 'regret', 'regret, 95 %', 'worse', 'way back', 'recovery', 'delay', 'alarms / 1000',
             'promotions', 'rollbacks', 'lost')
    lines = []
    for row in found:
        pairs = [f'{low:+.1f} to {high:+.1f}' for low, high in (row['gain_interval'], row['regret_interval'])]
        lines.append((row['method'], points(row['gain']), pairs[0], points(row['regret']), pairs[1],
                      f'{100 * row["time_worse"]:.1f} %', points(row['way_back']),
                      reached(row, 'recovery', 'parts_recovered', 'abrupt_parts'),
                      reached(row, 'detection_delay', 'shifts_found', 'shifts'), *(number(row[name], '', 0) for name in (
                          'false_alarms', 'promotions', 'rollbacks', 'lost_frames'))))
    return table(('method', *names), lines)


def _signals(signals: Sequence[Mapping[str, Any]]) -> str:
    """Over all streams, method by method."""
    rows = [row for row in signals if row['stream'] == 'all']
    if not rows:
        return ''
    names = list(dict.fromkeys(row['signal'] for row in rows))
    by = {(row['method'], row['signal']): row['rank_correlation'] for row in rows}
    methods = dict.fromkeys(row['method'] for row in rows)
    lines = ((name, *(points(by.get((method, name))) for method in methods)) for name in names)
    return ('<h2>Which signal tells the difference without labels</h2><p class="lead">Rank correlation with the true '
            f'difference of served and frozen, mean over the streams.</p>{table(("signal", *methods), lines)}')
