"""Rows of figures from runs, as JSON and as a table to read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .bench import Run
from .bootstrap import DRAWS, intervals
from .measures import measure, spans
from .signals import correlations

UPPER = 'supervised'  # the method whose gap to frozen is there to be closed
ORACLE = 'oracle'  # the method that chooses by labels: what a perfect gate is worth


def rows(runs: Sequence[Run], *, draws: int = DRAWS) -> list[dict[str, Any]]:
    """One row a stream and method, means over bundles and seeds; None stands for what cannot be measured there."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for each in runs:
        groups.setdefault((each.stream.name, each.method), []).append(each)
    found = [_row(group, draws) for group in groups.values()]
    _compare(found)
    return found


def _row(group: Sequence[Run], draws: int) -> dict[str, Any]:
    first = group[0]
    measured = [measure(each.trace, each.frozen, each.footage.moments) for each in group]
    sure = intervals([(each.trace, each.frozen) for each in group], spans(first.footage.moments), draws=draws)
    return {'stream': first.stream.name, 'title': first.stream.title, 'kind': first.stream.kind, 'method': first.method,
            'frames': len(first.footage), 'runs': len(group),
            **{name: _mean([each[name] for each in measured]) for name in measured[0]},
            'gain_interval': list(sure['gain']), 'regret_interval': list(sure['regret']),
            'gain_of_runs': [each['gain'] for each in measured], 'regret_of_runs': [each['regret'] for each in measured],
            'gate_efficiency': None, 'gap_closed': None, 'p99_ratio': None}


def _compare(found: list[dict[str, Any]]) -> None:
    """Fill in what needs other rows of the same stream: shares of the oracle's gain and of the gap to the upper bound."""
    by = {(row['stream'], row['method']): row for row in found}
    for row in found:
        oracle, upper = (by.get((row['stream'], name)) for name in (ORACLE, UPPER))
        if oracle and oracle['gain'] > 0:
            row['gate_efficiency'] = row['gain'] / oracle['gain']
        if upper and None not in (row['h_mean'], upper['h_mean'], row['frozen_h_mean']):
            gap = upper['h_mean'] - row['frozen_h_mean']
            row['gap_closed'] = (row['h_mean'] - row['frozen_h_mean']) / gap if gap > 0 else None


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None and not math.isnan(value)]
    return float(np.mean(there)) if there else None


def signals(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """One row a stream (or 'all'), method and signal: its rank correlation with the true difference, mean over runs."""
    found: dict[tuple[str, str, str], list[float | None]] = {}
    for each in runs:
        if each.trace is each.frozen:
            continue
        for signal, value in correlations(each.trace, each.frozen).items():
            for stream in (each.stream.name, 'all'):
                found.setdefault((stream, each.method, signal), []).append(value)
    return [{'stream': stream, 'method': method, 'signal': signal, 'rank_correlation': _mean(values)}
            for (stream, method, signal), values in found.items()]


def overall(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a method: mean gain over the shift streams, least regret over the traps, greatest time_worse over all."""
    methods = dict.fromkeys(row['method'] for row in found)
    summary = []
    for method in methods:
        own = [row for row in found if row['method'] == method]
        gains = [row['gain'] for row in own if row['kind'] == 'shift']
        regrets = [row['regret'] for row in own if row['kind'] == 'trap']
        backs = [row['way_back'] for row in own if row['way_back'] is not None]
        summary.append({'method': method, 'gain_on_shift': _mean(gains), 'regret_on_traps': min(regrets, default=None),
                        'way_back': min(backs, default=None), 'time_worse': max(row['time_worse'] for row in own)})
    return summary


def as_text(found: Sequence[Mapping[str, Any]]) -> str:
    """A table a stream, and one of all streams."""
    lines = []
    width = max([len(row['method']) for row in found] + [8])
    for stream in dict.fromkeys(row['stream'] for row in found):
        own = [row for row in found if row['stream'] == stream]
        head = own[0]
        lines += ['', f'{stream}  {head["title"]} ({head["kind"]}), {head["frames"]} frames; '
                  f'frozen: {head["frozen_miou"]:.1f} % mIoU',
                  _line('method', ('gain', '95 %', 'in the shift', 'gap closed', 'regret', 'worse', 'way back', 'recovery',
                                 'delay', 'alarms', 'lost'), width)]
        lines += [_line(row['method'], _cells(row), width) for row in own]
    lines += ['', 'over all streams',
              _line('method', ('gain (shift)', 'regret (traps)', 'way back', 'worse, at most'), width)]
    lines += [_line(row['method'], (points(row['gain_on_shift']), points(row['regret_on_traps']), points(row['way_back']),
                                    f'{100 * row["time_worse"]:.1f} %'), width) for row in overall(found)]
    return '\n'.join(lines[1:])


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = row['gain_interval']
    return (points(row['gain']), f'{low:+.1f}..{high:+.1f}', points(row['shift_gain']), percent(row['gap_closed']),
            points(row['regret']), f'{100 * row["time_worse"]:.1f} %', points(row['way_back']),
            reached(row, 'recovery', 'parts_recovered', 'abrupt_parts'),
            reached(row, 'detection_delay', 'shifts_found', 'shifts'), _number(row['false_alarms']),
            str(round(row['lost_frames'])))


def _line(first: str, cells: Sequence[str], width: int) -> str:
    return f'{first:<{width}}' + ''.join(f'{cell:>15}' for cell in cells)


def points(value: float | None) -> str:
    """'+1.20', a dash where there is none."""
    return '-' if value is None else f'{value:+.2f}'


def percent(share: float | None) -> str:
    """'34 %', a dash where there is none."""
    return '-' if share is None else f'{round(100 * share)} %'


def reached(row: Mapping[str, Any], median: str, come: str, all_: str) -> str:
    """'12 (3/4)': the median of those that came, and how many did of how many, mean over the runs."""
    return f'{_number(row[median])} ({row[come]:.3g}/{row[all_]:.3g})' if row[all_] else '-'


def _number(value: float | None) -> str:
    return '-' if value is None else f'{value:.0f}'
