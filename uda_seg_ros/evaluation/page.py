"""The page of an evaluation: one file that fetches nothing, but for the video beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from ..labels import LabelSpace
from ..report.html import document, facts, header, number, table, tile
from .moments import Moment, Shown
from .record import Record

STYLE = '''
h1 { font-size: clamp(18px, 2.5vw, 26px); line-height: 1.32; }
.plot { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 6px; margin: 0 0 14px;
        overflow: hidden; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 14px; }
.moment { margin: 0 0 20px; } .moment p { margin: 0 0 6px; }
.pair > div { min-width: 0; }
.views { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 210px), 1fr)); gap: 8px; }
.views figure { margin: 0; } .views img { width: 100%; display: block; border-radius: 8px; }
.views figcaption { color: var(--soft); font-size: 13px; }
h3 { font-size: 16px; margin: 26px 0 8px; } .failed { color: #c2410c; font-weight: 600; }
@media (max-width: 700px) { .modebar { display: none; } }
@media print { main { max-width: none; padding: 0; } .plot, .moment, .tile, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; } .modebar, .screen { display: none; } body { background: #fff; } }
'''
# Plots are drawn for the screen; a sheet of paper has another width.
SCRIPT = '''
const plots = () => document.querySelectorAll('.js-plotly-plot');
addEventListener('load', () => plots().forEach(plot => Plotly.Plots.resize(plot)));
addEventListener('beforeprint', () => plots().forEach(plot => {
  Plotly.relayout(plot, {width: plot.closest('.pair') ? 330 : 690, autosize: false, 'margin.t': 112}); }));
addEventListener('afterprint', () => plots().forEach(plot => {
  Plotly.relayout(plot, {width: null, autosize: true, 'margin.t': 64}); }));
'''
PLOTLY_MISSING = 'the plots need Plotly: pip install plotly'


class PlotsMissing(RuntimeError):
    """Plotly is not installed. The text says what to do."""


@dataclass(frozen=True, eq=False)
class Exhibit:
    """masks: classes of the bundle. space: of the labels as compared. video: a file beside the page, '' for none."""

    record: Record
    summary: Mapping[str, Any]
    galleries: Sequence[Shown]
    masks: LabelSpace
    space: LabelSpace
    video: str


def render(exhibit: Exhibit) -> str:
    """The page as HTML. Raises PlotsMissing."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise PlotsMissing(PLOTLY_MISSING) from error
    shown = (_course, _classes, _moments, _video, _indicators, _confusions, _legend) if len(exhibit.record) else ()
    parts = (_head, *shown, _notes, _made)
    body = '\n'.join(section for part in parts if (section := part(exhibit)))
    return document('A drive evaluated', f'<style>{STYLE}</style><script>{get_plotlyjs()}</script>{body}'
                    f'<script>{SCRIPT}</script>')


def _plot(figure: Any) -> str:
    config = {'responsive': True, 'displaylogo': False, 'modeBarButtonsToRemove': ['lasso2d', 'select2d']}
    return f'<div class="plot">{figure.to_html(full_html=False, include_plotlyjs=False, config=config)}</div>'


def _head(exhibit: Exhibit) -> str:
    summary = exhibit.summary
    bags = ', '.join(Path(bag['path']).name for bag in summary['bags'])
    settings = summary['settings']
    lead = f'{bags}; {summary["bundle"]["network"]}; adaptation {settings["adaptation"]}, {settings["mode"]}'
    failed = ''.join(f'<p class="failed">Failed: {escape(text)}</p>' for text in summary['failures'])
    inside = ''.join(tile(*each) for each in _tiles(summary))
    top = header('uda_seg_ros &middot; bag evaluation', summary['verdict'], lead)
    return f'{top}{failed}<div class="tiles">{inside}</div>'


def _tiles(summary: Mapping[str, Any]) -> list[tuple[str, ...]]:
    served, frozen, paired = summary['served'], summary['frozen'], summary['paired']
    found: list[tuple[str, ...]] = []
    if 'miou' in served:
        found.append((number(served['miou'], '%', 1), 'mIoU' if frozen is None else 'mIoU served'))
    if paired is not None:
        found += [(number(frozen['miou'], '%', 1), 'mIoU frozen'),
                  (f'{paired["gain"]:+.1f}', 'points gained, mean window', 'good' if paired['gain'] > 0 else 'warn'),
                  (f'{paired["regret"]:+.1f}', 'points, worst window', 'good' if paired['regret'] >= -0.5 else 'warn')]
    if summary['agreement'] is not None and 'miou' not in served:
        found.append((number(100 * summary['agreement']['mean'], '%', 1), 'of the pixels as the frozen network says'))
    if served['temporal_consistency'] is not None and 'miou' not in served:
        found.append((number(100 * served['temporal_consistency'], '%', 1), 'temporal consistency'))
    missed = summary['num_missed_frames']
    return [*found, (number(summary['latency_ms'].get('p95'), 'ms', 0), 'latency, 95 % of the masks'),
            (str(summary['num_frames']), 'frames segmented'),
            *([(str(missed), 'frames dropped', 'warn' if missed else 'good')]
              if missed or summary['settings']['mode'] == 'realtime' else [])]


def _course(exhibit: Exhibit) -> str:
    from .plots import MOST, course
    window = exhibit.summary['paired'] and exhibit.summary['paired']['window_frames']
    told = f'mIoU of the last {window} labelled frames. ' if window else ''
    told += f'A point is the mean of some frames, as there are more than {MOST}. ' if len(exhibit.record) > MOST else ''
    told += 'Green lines are promotions, red ones rollbacks. ' if exhibit.record.marks else ''
    told += 'A dark line is where another bag begins. ' if exhibit.record.starts_s else ''
    return (f'<h2>Over the drive</h2><p class="lead">{told}Click a name to hide a line, drag to zoom.</p>'
            f'{_plot(course(exhibit.record))}')


def _classes(exhibit: Exhibit) -> str:
    from .plots import classes
    if not exhibit.record.labelled:
        return ''
    served, frozen = exhibit.summary['served'], exhibit.summary['frozen']
    head = ('class', 'served') + (('frozen', 'difference') if frozen else ())
    rows = [(name, number(value, '%', 1), *((number(frozen['iou'][name], '%', 1), f'{value - frozen["iou"][name]:+.1f}')
                                            if frozen else ())) for name, value in served['iou'].items()]
    return (f'<h2>IoU of each class</h2>{_plot(classes(exhibit.record, exhibit.space))}'
            f'<details open><summary>The numbers</summary>{table(head, rows)}</details>{_differences(exhibit)}')


def _differences(exhibit: Exhibit) -> str:
    paired = exhibit.summary['paired']
    if paired is None:
        return ''
    rows = [(name, f'{paired[key]:+.2f}', _interval(paired[f'{key}_interval']), meaning) for name, key, meaning in (
        ('gain', 'gain', 'mean of all windows'), ('regret', 'regret', 'the worst window'))]
    rows.append(('whole drive', f'{paired["miou_difference"]:+.2f}', '&ndash;', 'mIoU of all labelled pixels'))
    return ('<h2>Served minus frozen, on the same frames</h2><p class="lead">Points of mIoU; windows of '
            f'{paired["window_frames"]} labelled frames. The intervals hold 95 % of {paired["draws"]} draws of a block '
            f'bootstrap.</p>{table(("", "points", "95 % interval", "of"), rows)}')


def _interval(interval: Sequence[float] | None) -> str:
    return 'too few frames' if interval is None else f'{interval[0]:+.2f} to {interval[1]:+.2f}'


def _moments(exhibit: Exhibit) -> str:
    several = len(exhibit.summary['bags']) > 1
    return ''.join(f'<h2>{escape(gallery.title)}</h2>' + ''.join(_moment(gallery, moment, several)
                                                               for moment in gallery.moments)
                   for gallery in exhibit.galleries if gallery.moments)


def _moment(gallery: Shown, moment: Moment, several: bool) -> str:
    where = f'{moment.bag_time_s:.2f} s' + (f' of bag {moment.bag + 1}' if several else '')
    views = ''.join(f'<figure><img alt="{name}" src="data:image/jpeg;base64,{content}">'
                    f'<figcaption>{name}</figcaption></figure>' for name, content in moment.pictures.items())
    note = escape(gallery.note.format(moment.value))
    return f'<div class="moment"><p><b>{where}</b>: {note}</p><div class="views">{views}</div></div>'


def _video(exhibit: Exhibit) -> str:
    if not exhibit.video:
        return ''
    name = escape(exhibit.video)
    return ('<section class="screen"><h2>Overlay</h2>'
            f'<video controls muted playsinline preload="metadata" src="{name}"></video></section>')


def _indicators(exhibit: Exhibit) -> str:
    from .plots import indicators
    return ('<h2>Indicators, which need no labels</h2><p class="lead">None of them is accuracy. A network can be sure, '
            f'steady and wrong.</p>{_plot(indicators(exhibit.record))}')


def _confusions(exhibit: Exhibit) -> str:
    from .plots import confusions
    if not exhibit.record.labelled:
        return ''
    plots = ''.join(f'<div><h3>{escape(title)}</h3>{_plot(figure)}</div>'
                    for title, figure in confusions(exhibit.record, exhibit.space))
    return f'<h2>Confusion</h2><p class="lead">Rows are labels, columns what is served.</p><div class="pair">{plots}</div>'


def _legend(exhibit: Exhibit) -> str:
    """Share of each class in all masks."""
    served, frozen = exhibit.summary['served']['classes'], (exhibit.summary['frozen'] or {}).get('classes', {})
    colors = dict(zip(exhibit.masks.names, exhibit.masks.colors))
    items = ''.join(f'<li><i style="--color:rgb{colors[name]}"></i>{escape(name)} <span>{100 * share:.1f} %'
                    + (f', frozen {100 * frozen.get(name, 0):.1f} %' if frozen else '') + '</span></li>'
                    for name, share in sorted(served.items(), key=lambda each: -each[1]))
    return f'<h2>Share of the classes in all masks</h2><ul class="legend">{items}</ul>'


def _notes(exhibit: Exhibit) -> str:
    summary = exhibit.summary
    counted = (('labels_without_frame', 'labels have the stamp of no frame'),
               ('frames_without_label', 'frames have no label'),
               ('void_labels', 'labels hold no pixel of a class'),
               ('undecodable', 'pictures could not be decoded'), ('undecodable_labels', 'labels could not be decoded'),
               ('repeated_stamps', 'pictures had a stamp that was there before and were left out'))
    texts = [*summary['notes'], *(f'{summary[name]} {text}.' for name, text in counted if summary[name])]
    items = ''.join(f'<li>{escape(text)}</li>' for text in texts)
    return f'<h2>Worth knowing</h2><ul class="notes">{items}</ul>' if items else ''


def _made(exhibit: Exhibit) -> str:
    summary = exhibit.summary
    rows = [(f'bag {place + 1}', f'{bag["path"]}, {bag["frames"]} frames on {bag["image_topic"]}')
            for place, bag in enumerate(summary['bags'])]
    rows += [fact for part in ('bundle', 'settings', 'versions') for fact in summary[part].items()]
    rows += [('evaluated pictures (SHA-256)', summary['bag_hash']),
             ('peak memory', f'{summary["peak_memory_mb"]:.0f} MB')]
    return (f'<h2>How it was made</h2>{facts(rows)}<footer>All figures are in summary.json, and can be made again from '
            'result.jsonl, a line a frame.</footer>')
