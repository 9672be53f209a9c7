"""The figures of a drive, from its record alone: what summary.json holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from ..labels import LabelSpace
from ..metrics import iou, mean_iou, pixel_accuracy
from ..streams.bootstrap import BLOCK, DRAWS, intervals
from ..streams.measures import WINDOW, Span, paired, windowed
from ..streams.trace import Trace
from .record import Record, Track

WORK = 3_000_000  # draws times labelled pictures that the bootstrap may take
FEWEST = 2 * BLOCK  # labelled pictures, for an interval to mean anything


def figures(record: Record, space: LabelSpace, masks: LabelSpace) -> dict[str, Any]:
    """space: of the labels. masks: of the bundle. Points and mIoU in percent, indicators in 0..1, times in ms."""
    found: dict[str, Any] = {
        'num_frames': len(record), 'num_missed_frames': len(record.dropped_s), 'labelled_frames': len(record.labelled),
        'mean_frame_rate_hz': rate(record.time_s, record.bag), 'latency_ms': latency(record.latency_ms),
        'served': track(record.served, space, masks), 'frozen': None, 'paired': None, 'agreement': None,
        'shift_score': spread(record.shift), 'events': dict(Counter(mark.event.kind for mark in record.marks)),
        'weights_versions': int(record.version.max()) if len(record) else 0}
    if record.frozen is not None:
        found['frozen'] = track(record.frozen, space, masks)
        found['agreement'] = spread(record.agreement)
        if record.labelled:
            found['paired'] = compared(record)
    return found


def track(track: Track, space: LabelSpace, masks: LabelSpace) -> dict[str, Any]:
    """Of one network. iou: of the classes that are labelled somewhere."""
    total = sum(track.classes.values())
    found: dict[str, Any] = {
        'confidence': mean(track.confidence), 'entropy': mean(track.entropy),
        'temporal_consistency': mean(track.consistency),
        'classes': {name: track.classes[train_id] / total for train_id, name in enumerate(masks.names)
                    if track.classes[train_id]}}
    matrix = track.confusion
    if matrix.any():
        there = matrix.sum(axis=1) > 0
        found |= {'miou': 100 * mean_iou(matrix), 'pixel_accuracy': 100 * pixel_accuracy(matrix),
                  'iou': {name: 100 * float(value) for name, value, shown in zip(space.names, iou(matrix), there) if shown}}
    return found


def compared(record: Record) -> dict[str, Any]:
    """Served against frozen on the same labelled pictures, in points of mIoU, by windows that slide over them."""
    served, frozen = record.served.counts, record.frozen.counts
    there = served[:, 1].any(axis=0)  # classes never labelled count for nothing
    served, frozen = served[..., there], frozen[..., there]
    found: dict[str, Any] = {
        'miou_difference': 100 * (mean_iou(record.served.confusion) - mean_iou(record.frozen.confusion)),
        **paired(served, frozen), 'window_frames': min(WINDOW, len(served)), 'gain_interval': None, 'regret_interval': None,
        'draws': 0}
    if len(served) >= FEWEST:
        draws = int(np.clip(WORK // len(served), 200, DRAWS))
        traces = [Trace(counts, np.zeros(len(counts), bool)) for counts in (served, frozen)]
        sure = intervals([tuple(traces)], spans(record.bag[record.labelled]), draws=draws)
        found |= {f'{name}_interval': list(sure[name]) for name in ('gain', 'regret')} | {'draws': draws}
    return found


def spans(bags: Sequence[float]) -> list[Span]:
    """One a bag: the bootstrap mixes none of them."""
    found, start = [], 0
    for bag, run in groupby(bags):
        length = len(list(run))
        found.append(Span(start, start + length, f'bag {bag:.0f}', False, False))
        start += length
    return found


def over_time(record: Record, track: Track) -> tuple[np.ndarray, np.ndarray]:
    """(time in s, mIoU in percent) of every window of labelled pictures, at the window's end."""
    if not record.labelled:
        return np.zeros(0), np.zeros(0)
    values = windowed(track.counts)
    return record.time_s[record.labelled][len(record.labelled) - len(values):], values


def latency(values: np.ndarray) -> dict[str, float]:
    """Percentiles, and jitter, the standard deviation."""
    if not len(values):
        return {}
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    return {'mean': float(values.mean()), 'p50': float(p50), 'p95': float(p95), 'p99': float(p99),
            'max': float(values.max()), 'jitter': float(values.std())}


def rate(times: np.ndarray, bags: np.ndarray) -> float | None:
    """Masks a second. The time between two bags does not count."""
    gaps = np.diff(times)[np.diff(bags) == 0]
    return len(gaps) / float(gaps.sum()) if gaps.sum() > 0 else None


def spread(values: np.ndarray) -> dict[str, float] | None:
    """None where nothing was told."""
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    return {'mean': float(values.mean()), 'min': float(values.min()), 'max': float(values.max())}


def mean(values: np.ndarray) -> float | None:
    return float(np.nanmean(values)) if (~np.isnan(values)).any() else None
