"""The part of a drive's page that sets the adapting node beside the frozen one. Empty text where it was not played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .chart import MARKS, Curve, Mark, timelines
from .drive import Drive, Moment
from .html import number, table

WINDOW_S = 2.0  # over which curves are averaged: single frames differ by what they happen to show
LEAST = 0.5  # points of mIoU; less is no difference to speak of
KINDS = {'shift': 'the road changed', 'promotion': 'other weights served', 'rejection': 'candidate refused',
         'rollback': 'rolled back', 'return': 'the way back', 'safe': 'locked', 'fault': 'fault', 'refused': 'refused'}


def sentence(summary: Mapping[str, Any]) -> str:
    """What adapting gained or lost, in words."""
    adapted = summary['adapted']
    if not adapted['weights_versions']:
        return ('Adapting changed nothing on this drive: the learner gave out no weights, so that both nodes ran the same '
                'network.')
    if summary['miou_all'] is None or adapted['miou_all'] is None:
        return 'Without labels nobody can say which of the two is better; where they disagree is worth a look.'
    parts = [f'{adapted["miou"][name] - value:+.1f} in {name}' for name, value in summary['miou'].items()
             if value is not None and adapted['miou'].get(name) is not None]
    total = adapted['miou_all'] - summary['miou_all']
    verdict = 'gained' if total >= LEAST else 'lost' if total <= -LEAST else 'neither gained nor lost much'
    return f'Adapting {verdict} on this drive: {total:+.1f} points of mIoU over all of it ({", ".join(parts)}).'


def quality(drive: Drive) -> str:
    """mIoU of both by segment and over time; without labels, how far the two agree."""
    summary, adapted = drive.summary, drive.summary['adapted']
    lead = f'<p>{escape(sentence(summary))}</p>'
    if not summary['miou'] or not adapted['miou']:
        values = trailing(drive.adapted, [moment.agreement for moment in drive.adapted])
        chart = _chart(drive, [Curve('adapted', drive.adapted, values)], '%', 100)
        rows = [(name, number(share, '%', 1)) for name, share in adapted['agreement'].items()]
        return (f'<h2>Agreement of frozen and adapting</h2>{lead}{chart}{_marks(drive)}'
                f'{table(("part of the drive", "pixels of one class in both"), rows)}')
    curves = [Curve(style, moments, trailing(moments, [moment.miou for moment in moments]))
              for style, moments in (('frozen', drive.moments), ('adapted', drive.adapted))]
    highest = max((value for curve in curves for value in curve.values if value is not None), default=100)
    return (f'<h2>Agreement with the labels (mIoU)</h2>{lead}'
            f'{_chart(drive, curves, "%", min(100, 10 * (highest // 10 + 1)))}'
            f'<p class="lead"><i class="key frozen"></i> frozen &emsp; <i class="key"></i> adapting &emsp; mean mIoU of the '
            f'frames of the last {WINDOW_S:.0f} s</p>{_marks(drive)}{_scores(summary, adapted)}{_classes(summary)}')


def trailing(moments: Sequence[Moment], values: Sequence[float | None]) -> list[float | None]:
    """The mean over the last WINDOW_S of what is there; None where nothing is."""
    found, start = [], 0
    for place, moment in enumerate(moments):
        while moments[start].time_s < moment.time_s - WINDOW_S:
            start += 1
        there = [value for value in values[start:place + 1] if value is not None]
        found.append(sum(there) / len(there) if there and values[place] is not None else None)
    return found


def _chart(drive: Drive, curves: Sequence[Curve], unit: str, top: float) -> str:
    marks = [Mark(event['time_s'], event['kind'], event['text']) for event in drive.summary['adapted']['events']]
    return timelines(curves, unit, top, marks) if len(drive.moments) > 1 else ''


def _marks(drive: Drive) -> str:
    """What the marks on the chart mean, those that are there."""
    kinds = {event['kind'] for event in drive.summary['adapted']['events']}
    items = ''.join(f'<li><i style="--color:{color}"></i>{escape(KINDS[kind])}</li>' for kind, color in MARKS.items()
                    if kind in kinds)
    return f'<ul class="legend" style="margin-bottom:14px">{items}</ul>' if items else ''


def _scores(summary: Mapping[str, Any], adapted: Mapping[str, Any]) -> str:
    rows = [(name, value, adapted['miou'].get(name)) for name, value in summary['miou'].items()]
    rows.append(('the whole drive', summary['miou_all'], adapted['miou_all']))
    return table(('mIoU', 'frozen', 'adapting', 'gain'), (
        (name, number(one, '%', 1), number(other, '%', 1), _difference(one, other)) for name, one, other in rows))


def _difference(one: float | None, other: float | None) -> str:
    return '&ndash;' if one is None or other is None else f'{other - one:+.1f}'


def _classes(summary: Mapping[str, Any]) -> str:
    """IoU by class and segment of both, folded away."""
    both = (summary['iou'], summary['adapted']['iou'])
    segments = list(summary['iou'])
    names = list(dict.fromkeys(name for classes in summary['iou'].values() for name in classes))
    rows = ((name, *(' &rarr; '.join(number(iou.get(segment, {}).get(name), '', 1) for iou in both) for segment in segments))
            for name in names)
    return ('<details><summary>IoU of each class in percent, frozen &rarr; adapting</summary>'
            f'{table(("class", *segments), rows)}</details>')


def story(drive: Drive) -> str:
    """What the learner did and why, in the node's own words."""
    adapted = drive.summary['adapted']
    events = ''.join(f'<li><time>{event["time_s"]:.1f} s</time><span><b>{escape(KINDS.get(event["kind"], event["kind"]))}'
                     f'</b>: {escape(event["text"])}</span></li>' for event in adapted['events'])
    learner, count = adapted['learner'], len(adapted['weights_versions'])
    facts = [f'At the end of the drive: {learner["why"]}.',
             f'Weights changed {count} times.' if count != 1 else 'Weights changed once.']
    if learner.get('step'):
        facts.append(f'{learner["step"]} training steps, {learner["key frames"]} key-frames in memory.')
    return (f'<h2>What the learner did, and why</h2><ul class="told">{events}</ul>'
            f'<p>{escape(" ".join(facts))}</p>')


def latency(drive: Drive) -> str:
    """Latency and drops of both, as a table and over time."""
    both = drive.summary, drive.summary['adapted']
    rows = [(name, *(number(each['latency_ms'][name], 'ms', 0) for each in both)) for name in ('p50', 'p95', 'p99')]
    rows += [(name, *(str(each[key]) for each in both))
             for name, key in (('frames in', 'frames_in'), ('masks out', 'masks_out'), ('dropped', 'dropped'))]
    slowest = [each['latency_ms']['p99'] for each in both if each['latency_ms']['p99'] is not None]
    curves = [Curve(style, moments, [moment.latency_ms for moment in moments])
              for style, moments in (('frozen', drive.moments), ('adapted', drive.adapted))]
    chart = timelines(curves, 'ms', max(1.0, 1.1 * max(slowest))) if slowest and len(drive.moments) > 1 else ''
    return ('<h2>Latency, from the image sent to the mask received</h2>'
            f'{table(("", "frozen", "adapting"), rows)}<div style="margin-top:14px">{chart}</div>')
