"""The page that shows the scores of a bundle: index.html, beside its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from uda_seg_ros.bundle import Bundle
from uda_seg_ros.report.html import bars, document, facts, header, number, picture, table, tile

from .scores import Scores


class Pictures(NamedTuple):
    """File names beside the page; '' if there is none."""

    confusion: str
    reliability: str
    sheet: str


def render(bundle: Bundle, scores: Mapping[str, Scores], pictures: Mapping[str, Pictures],
           settings: Sequence[tuple[str, object]]) -> str:
    """The page as HTML. scores, pictures: by the name of the data. settings: how it was made."""
    images = sum(of_data.num_images for of_data in scores.values())
    lead = f'{bundle.model.name} with {len(bundle.labels.names)} classes of {bundle.labels.name}, on {", ".join(scores)}'
    parts = [header('uda_seg_ros &middot; scores', f'{images} labelled pictures, compared pixel by pixel', lead)]
    if len(scores) > 1:
        parts.append(f'<h2>mIoU</h2>{bars((name, 100 * of_data.miou) for name, of_data in scores.items())}')
    for name, of_data in scores.items():
        parts += _section(name, of_data, pictures[name])
    parts.append(f'<h2>How it was made</h2>{facts([*settings, *_provenance(bundle)])}'
                 '<footer>All figures are in <a href="scores.json">scores.json</a>.</footer>')
    return document('Scores', '\n'.join(parts))


def _section(name: str, scores: Scores, pictures: Pictures) -> list[str]:
    tiles = [(number(100 * scores.miou, '%', 1), 'mIoU'), (number(100 * scores.accuracy, '%', 1), 'pixels right'),
             (number(100 * scores.ece, '%', 1), 'calibration error'), (str(scores.num_images), 'pictures'),
             (number(1000 * scores.seconds / max(1, scores.num_images), 'ms', 0), 'a picture')]
    parts = [f'<h2>{escape(name)}</h2><div class="tiles">{"".join(tile(*each) for each in tiles)}</div>',
             '<h2>IoU of each class</h2><p class="lead">Pixels of the class that were found, of all that are of it or were '
             'said to be. Classes that no label shows are left out; mIoU is the mean of the others.</p>',
             class_table(scores)]
    if pictures.sheet:
        parts += ['<h2>Best, median and worst pictures</h2>', picture(pictures.sheet, 'Camera, label, prediction, errors')]
    if pictures.confusion:
        parts += ['<h2>What was taken for what</h2><p class="lead">Each row is a labelled class; the numbers say what '
                  'percentage of its pixels was predicted as what.</p>', picture(pictures.confusion, 'Confusion matrix')]
    if pictures.reliability:
        parts += ['<h2>Can its confidence be believed?</h2><p class="lead">Bars below the dashed line: it is surer than it '
                  'should be. The calibration error is the mean distance to that line, over 15 bins.</p>',
                  f'<img src="{escape(pictures.reliability)}" alt="Reliability diagram" style="max-width:100%">']
    return parts


def class_table(scores: Scores) -> str:
    """IoU and share of pixels of each labelled class, the worst at the end."""
    share = scores.pixel_share
    rows = [(name, number(100 * value, '%', 1), number(100 * share[name], '%', 2))
            for name, value in sorted(scores.iou.items(), key=lambda item: -item[1])]
    return table(('class', 'IoU', 'of all labelled pixels'), rows)


def _provenance(bundle: Bundle) -> list[tuple[str, object]]:
    return [(f'bundle: {key}', value) for key, value in bundle.provenance.items()]
