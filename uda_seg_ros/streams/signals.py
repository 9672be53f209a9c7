"""Which label-free signal tells whether what is served is better than the frozen network: rank correlations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .trace import WINDOW, Trace, miou

STRIDE = 10  # frames from one window to the next
FEWEST = 5  # windows, for a correlation to mean anything
PRESENT = 0.001  # share of the pixels


def against_frozen(mask: np.ndarray, frozen: np.ndarray, num_classes: int) -> dict[str, float]:
    """Of one frame, paired: 'disagreement' is the share of pixels that differ; 'class_count' and 'class_entropy' (nats, of
    the histogram of classes) are served minus frozen."""
    shares = [np.bincount(each.reshape(-1), minlength=256)[:num_classes] / each.size for each in (mask, frozen)]
    count = [int((share > PRESENT).sum()) for share in shares]
    entropy = [float(-(share[share > 0] * np.log(share[share > 0])).sum()) for share in shares]
    return {'disagreement': float((mask != frozen).mean()), 'class_count': float(count[0] - count[1]),
            'class_entropy': entropy[0] - entropy[1]}


def correlations(served: Trace, frozen: Trace) -> dict[str, float | None]:
    """Spearman's rank correlation of each signal's mean over a window with the true difference there, -1 to 1.

    The frozen network's own signals are among them. None where a signal or the difference does not vary.
    """
    starts = range(0, max(1, len(served) - WINDOW + 1), STRIDE)
    ours, theirs = (np.array([miou(trace.counts[start:start + WINDOW].sum(0)) for start in starts])
                    for trace in (served, frozen))
    truth = ours - theirs
    signals: Mapping[str, np.ndarray] = {**frozen.signals, **served.signals}
    return {name: rank_correlation(np.array([_mean(values[start:start + WINDOW]) for start in starts]), truth)
            for name, values in signals.items()}


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if not np.isnan(values).all() else float('nan')


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    """Spearman's, ties by their mean rank, over the places where both are numbers; None without variation."""
    both = ~(np.isnan(one) | np.isnan(other))
    if both.sum() < FEWEST:
        return None
    first, second = (_ranks(values[both]) for values in (one, other))
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    _, place, number = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(number)
    return (last - (number - 1) / 2)[place]
