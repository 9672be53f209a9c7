"""The table as a picture: one bar a method with its standard error and every seed as a dot, floor and ceiling as lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .suite import Suite
from .table import Result, Row


def plot(suite: Suite, table: Sequence[Row], results: Sequence[Result], path: Path) -> None:
    """Write a PNG. Needs matplotlib (the set `train` of scripts/ros_env.sh); raises ImportError without it."""
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(8, 0.5 * len(table) + 1.6), layout='constrained')
    shown = list(reversed(table))
    colours = ['#9aa3ad' if row.method in (suite.floor, suite.ceiling, *suite.aside) else '#2f6f9f' for row in shown]
    axes.barh(range(len(shown)), [row.target_miou for row in shown], color=colours, height=0.62,
              xerr=[row.stderr or 0 for row in shown], error_kw={'capsize': 3, 'ecolor': '#222222'})
    for place, row in enumerate(shown):
        dots = [result.miou[suite.score] for result in results if result.method == row.method]
        axes.plot(dots, [place] * len(dots), 'o', color='#222222', markersize=3)
        axes.annotate(f'{row.target_miou:.1f}', (0, place), xytext=(6, 0), textcoords='offset points', va='center',
                      color='white', fontweight='bold')
    for row in shown:
        if row.method in (suite.floor, suite.ceiling):
            axes.axvline(row.target_miou, color='#777777', linestyle=':', linewidth=1)
    axes.set_yticks(range(len(shown)), [row.method for row in shown])
    axes.set_xlabel(f'mIoU on {suite.score}, percent; bar: mean, line: standard error, dots: seeds')
    axes.set_title(suite.title, loc='left', fontsize=11)
    axes.spines[['top', 'right']].set_visible(False)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
