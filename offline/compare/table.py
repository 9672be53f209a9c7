"""The results of a suite as one row a method: mean over the seeds, standard error, and the share of the gap closed."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np

from .suite import Suite


@dataclass(frozen=True)
class Result:
    """One training. miou: percent, by the name of the evaluation. iou: percent by class of the suite's score.

    teacher_miou: percent, on the suite's score, of the frozen teacher of the last stage, None without one.

    images_per_s: source and target images a second in training, over all stages. minutes: of training alone.
    """

    method: str
    seed: int
    miou: Mapping[str, float]
    iou: Mapping[str, float]
    student_parameters: int
    images_per_s: float
    minutes: float
    teacher_miou: float | None = None


@dataclass(frozen=True)
class Row:
    """A method. target_miou: percent, mean over seeds. stderr: of that mean, None with one seed.

    gap_closed: percent of the way from the floor (source only) to the ceiling (supervised on the target). teacher_miou:
    mean of the results'.
    """

    method: str
    target_miou: float
    stderr: float | None
    gap_closed: float | None
    student_parameters: int
    images_per_s: float
    minutes: float
    seeds: int
    teacher_miou: float | None = None


def rows(suite: Suite, results: Sequence[Result]) -> list[Row]:
    """One row a method that has results, in the order of the suite."""
    scores = {name: [result.miou[suite.score] for result in results if result.method == name] for name in suite.methods}
    means = {name: float(np.mean(values)) for name, values in scores.items() if values}
    return [_row(suite, name, [result for result in results if result.method == name], means)
            for name in suite.methods if name in means]


def _row(suite: Suite, name: str, own: Sequence[Result], means: Mapping[str, float]) -> Row:
    scores = [result.miou[suite.score] for result in own]
    stderr = float(np.std(scores, ddof=1) / math.sqrt(len(scores))) if len(scores) > 1 else None
    gap = None
    if suite.floor in means and suite.ceiling in means and means[suite.ceiling] > means[suite.floor]:
        gap = 100 * (means[name] - means[suite.floor]) / (means[suite.ceiling] - means[suite.floor])
    teachers = [result.teacher_miou for result in own if result.teacher_miou is not None]
    return Row(name, means[name], stderr, gap, own[0].student_parameters,
               float(np.mean([result.images_per_s for result in own])),
               float(np.mean([result.minutes for result in own])), len(own),
               float(np.mean(teachers)) if teachers else None)


def caption(suite: Suite, smoke: bool) -> str:
    """What the table shows, in a line above it."""
    return (f'**{suite.title}**{" (`--smoke`)" if smoke else ""}. mIoU in percent on {suite.score}, mean over the seeds ± '
            'its standard error; images/s and minutes are of training.\n\n')


def markdown(table: Sequence[Row]) -> str:
    """For the README."""
    head = ('method', 'target mIoU', 'gap closed', 'its teacher', 'student parameters', 'training images/s', 'minutes',
            'seeds')
    lines = [f'| {" | ".join(head)} |', '|---' * len(head) + '|']
    for row in table:
        gap = '' if row.gap_closed is None else f'{row.gap_closed:.0f} %'
        error = '' if row.stderr is None else f' ± {row.stderr:.1f}'
        teacher = '' if row.teacher_miou is None else f'{row.teacher_miou:.1f}'
        lines.append(f'| {row.method} | {row.target_miou:.1f}{error} | {gap} | {teacher} '
                     f'| {row.student_parameters / 1e6:.2f} M '
                     f'| {row.images_per_s:.0f} | {row.minutes:.1f} | {row.seeds} |')
    return '\n'.join(lines) + '\n'


def comma_separated(table: Sequence[Row]) -> str:
    """The same for a spreadsheet, with all digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Row)], lineterminator='\n')
    writer.writeheader()
    writer.writerows(asdict(row) for row in table)
    return text.getvalue()
