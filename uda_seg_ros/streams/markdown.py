"""The figures as tables in Markdown, for a page of the documentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .ablation import PARTS, WHOLE
from .results import UPPER, overall, percent, points, reached

Row = Mapping[str, Any]


def caption(settings: Mapping[str, Any], found: Sequence[Row]) -> str:
    """One paragraph: on what the tables were measured."""
    lengths = ', '.join(f'{name} {frames}' for name, frames in {row['stream']: row['frames'] for row in found}.items())
    bundles = len(settings['bundles'])
    seeds = max(row['runs'] for row in found) // bundles
    data = 'CamVid' if settings['data'].startswith('camvid') else 'procedural streets'
    families = ' in weather for tuning' if settings['families'] == 'tune' else ''
    return (f'Measured on {data}{families}; network input {settings["network_input"]}, {_many(bundles, "source network")}, '
            f'{_many(seeds, "adaptation seed")}; frames of each stream: {lengths}.')


def whole(found: Sequence[Row], told: Sequence[Row]) -> str:
    """All methods on all streams, the adapter's own figures stream by stream, and the signals where there are any."""
    parts = [_overall(found), _by_stream(found, 'gain', 'gain', points)]
    if any(row['gap_closed'] is not None for row in found):
        parts.append(_by_stream(found, 'gap_closed', f'of the gap to `{UPPER}`', percent))
    own = [row for row in found if row['method'] == WHOLE]
    if own:
        parts += [f'`{WHOLE}` stream by stream:', _streams(own)]
    return '\n\n'.join([*parts, *_signals(told)])


def ablation(found: Sequence[Row]) -> str:
    """A row for the adapter, and one for it without each part that was run."""
    by = {row['method']: row for row in overall(found)}
    names = {WHOLE: 'nothing', **{method: part for part, method in PARTS.items()}}
    base = by[WHOLE]['gain_on_shift']
    rows = [(part, points(by[method]['gain_on_shift']), _difference(by[method]['gain_on_shift'], base),
             *_safety(by[method])) for method, part in names.items() if method in by]
    return _table(('without', 'gain (shift)', 'against the whole', *SAFETY), rows)


SAFETY = ('regret (traps)', 'way back', 'windows worse, at most')


def _safety(row: Row) -> tuple[str, ...]:
    return points(row['regret_on_traps']), points(row['way_back']), f'{100 * row["time_worse"]:.1f} %'


def _overall(found: Sequence[Row]) -> str:
    return _table(('method', 'gain (shift)', *SAFETY), [
        (f'`{row["method"]}`', points(row['gain_on_shift']), *_safety(row)) for row in overall(found)])


def _by_stream(found: Sequence[Row], figure: str, title: str, told: Callable[[float | None], str]) -> str:
    """A figure by stream and method."""
    by = {(row['method'], row['stream']): row[figure] for row in found}
    streams, methods = (list(dict.fromkeys(row[key] for row in found)) for key in ('stream', 'method'))
    kinds = {row['stream']: row['kind'] for row in found}
    return _table((title, *(f'{name} ({kinds[name]})' for name in streams)), [
        (f'`{method}`', *(told(by.get((method, name))) for name in streams)) for method in methods])


def _streams(own: Sequence[Row]) -> str:
    names = ('stream', 'frozen mIoU', 'gain', '95 %', 'in the shift', 'regret', '95 %', 'worse', 'way back',
             'gain at the end', 'recovery', 'delay', 'alarms / 1000')
    rows = []
    for row in own:
        gain, regret = (f'{low:+.1f} to {high:+.1f}' for low, high in (row['gain_interval'], row['regret_interval']))
        rows.append((f'{row["stream"]}: {row["title"]}', f'{row["frozen_miou"]:.1f}', points(row['gain']), gain,
                     points(row['shift_gain']), points(row['regret']), regret, f'{100 * row["time_worse"]:.1f} %',
                     points(row['way_back']), points(row['gain_at_end']),
                     reached(row, 'recovery', 'parts_recovered', 'abrupt_parts'),
                     reached(row, 'detection_delay', 'shifts_found', 'shifts'),
                     '-' if row['false_alarms'] is None else f'{row["false_alarms"]:.1f}'))
    return _table(names, rows)


def _signals(told: Sequence[Row]) -> list[str]:
    rows = [row for row in told if row['stream'] == 'all']
    if not rows:
        return []
    by = {(row['signal'], row['method']): row['rank_correlation'] for row in rows}
    signals, methods = (list(dict.fromkeys(row[key] for row in rows)) for key in ('signal', 'method'))
    return ['Rank correlation of each signal that needs no labels with the true difference of served and frozen, mean over '
            'the streams:', _table(('signal', *(f'`{name}`' for name in methods)), [
                (name.replace('_', ' '), *(points(by.get((name, method))) for method in methods)) for name in signals])]


def _difference(value: float | None, base: float | None) -> str:
    return points(None if value is None or base is None else value - base)


def _many(number: int, noun: str) -> str:
    return f'{number} {noun}' + ('s' if number != 1 else '')


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return '\n'.join('| ' + ' | '.join(cells) + ' |' for cells in (head, ['---'] * len(head), *rows))
