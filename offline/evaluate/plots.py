"""Pictures of scores: what is taken for what, and how far confidence can be believed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uda_seg_ros.metrics import reliability_bins
from uda_seg_ros.storage.whole_file import write_whole

from .scores import Scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, ACCENT, SOFT = '#21242c', '#1f6f78', '#e3e0d8'


class PlotError(RuntimeError):
    """Matplotlib is not there."""


def check_matplotlib() -> None:
    """Raise PlotError where it is missing, before anything is computed for its pictures."""
    if importlib.util.find_spec('matplotlib') is None:
        raise PlotError('pictures need matplotlib: source scripts/ros_env.sh train (or evaluate without --out)')


def confusion_picture(scores: Scores, path: Path) -> None:
    """Of every labelled class, where its pixels went, in percent of its row. Writes a PNG. Raises OSError."""
    rows = np.flatnonzero(scores.matrix.any(axis=1))
    columns = np.flatnonzero(scores.matrix.any(axis=0) | np.isin(np.arange(scores.matrix.shape[1]), rows))
    shares = scores.matrix[np.ix_(rows, columns)] / np.maximum(1, scores.matrix[rows].sum(axis=1, keepdims=True))
    names = [*scores.labels.names, 'no class']
    figure = _figure(2.4 + 0.5 * len(columns), 1.8 + 0.42 * len(rows))
    axes = figure.subplots()
    axes.imshow(shares, cmap='BuGn', vmin=0, vmax=1, aspect='auto')
    axes.set_xticks(range(len(columns)), [names[column] for column in columns], rotation=45, ha='right')
    axes.set_yticks(range(len(rows)), [names[row] for row in rows])
    axes.set(xlabel='predicted', ylabel='labelled')
    for row, column in zip(*np.nonzero(shares >= 0.005)):
        share = shares[row, column]
        axes.text(column, row, f'{100 * share:.0f}', ha='center', va='center', fontsize=8,
                  color='white' if share > 0.6 else INK)
    write_whole(path, lambda draft: figure.savefig(draft, dpi=110))


def reliability_picture(scores: Scores, path: Path) -> None:
    """Accuracy against confidence, and below how many pixels have which confidence. Writes a PNG. Raises OSError."""
    confidence, accuracy, share = reliability_bins(scores.reliability)
    edges = np.linspace(0, 1, len(share) + 1)
    figure = _figure(5.4, 5.6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle='--', label='as sure as it should be')
    upper.bar(edges[:-1], np.nan_to_num(accuracy), 1 / len(share), align='edge', color=ACCENT, edgecolor='white',
              label='share of pixels that are right')
    upper.plot(confidence, accuracy, 'o', color=INK, markersize=3)
    upper.set(ylim=(0, 1), ylabel='accuracy', title=f'calibration error {100 * scores.ece:.1f} %')
    upper.legend(loc='upper left', frameon=False, fontsize=9)
    lower.bar(edges[:-1], share, 1 / len(share), align='edge', color=SOFT, edgecolor=INK, linewidth=0.5)
    lower.set(xlim=(0, 1), xlabel='confidence', ylabel='share of pixels')
    write_whole(path, lambda draft: figure.savefig(draft, dpi=110))


def _figure(width: float, height: float) -> Figure:
    """In inches; drawn without a display."""
    from matplotlib.figure import Figure
    return Figure((width, height), layout='constrained', facecolor='white')
