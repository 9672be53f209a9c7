"""The page that shows a drive: index.html, beside the video and the contact sheet."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from . import adapted
from .chart import timeline
from .drive import Drive
from .html import bars, document, facts, header, number, picture, table, tile


def render(drive: Drive) -> str:
    """The page as HTML. Nothing but the drive's own video and sheet is loaded, from beside it."""
    middle = (adapted.quality, adapted.story, adapted.latency) if drive.adapted else (_quality, _latency)
    sections = (_header, _video, *middle, _sheet, _legend, _notes, _settings)
    body = '\n'.join(part for part in (section(drive) for section in sections) if part)
    return document(_title(drive.summary), body)


def _title(summary: Mapping[str, Any]) -> str:
    """Of both playings, where there are two."""
    both = [summary, *filter(None, [summary.get('adapted')])]
    frames, masks = (sum(each[name] for each in both) for name in ('frames_in', 'masks_out'))
    twice = ', frozen and adapting' if len(both) > 1 else ''
    if all(each['dropped'] == 0 for each in both):
        return f'All {summary["frames_in"]} frames were segmented{twice}'
    return f'{masks} of {frames} frames were segmented{twice}'


def _header(drive: Drive) -> str:
    summary = drive.summary
    share = 100 * summary['dropped'] / max(1, summary['frames_in'])
    who = ', frozen' if drive.adapted else ''
    tiles = [(str(summary['frames_in']), 'frames in'), (str(summary['masks_out']), f'masks out{who}'),
             (str(summary['dropped']), f'dropped{who} ({share:.1f} %)', 'good' if summary['dropped'] == 0 else 'warn'),
             (number(summary['latency_ms']['p50'], 'ms', 0), f'median latency{who}')]
    if summary.get('miou_all') is not None:
        tiles.append((number(summary['miou_all'], '%', 1), 'mIoU, frozen' if drive.adapted else 'mIoU of the drive'))
    if drive.adapted and summary['adapted']['miou_all'] is not None:
        tiles.append((number(summary['adapted']['miou_all'], '%', 1), 'mIoU, adapting'))
    inside = ''.join(tile(*each) for each in tiles)
    lead = (f'{Path(summary["input"]).name}, {summary["width"]}x{summary["height"]} at {summary["rate_hz"]:.1f} '
            'frames a second')
    if origin := summary['bundle'].get('trained on'):
        lead += f'; {summary["bundle"]["network"]}, trained on {origin}'
    return f'{header("uda_seg_ros &middot; a drive", _title(summary), lead)}<div class="tiles">{inside}</div>'


def _video(drive: Drive) -> str:
    if not drive.video:
        return ''
    poster = f'poster="{escape(drive.poster)}" ' if drive.poster else ''
    title = 'Overlays: frozen on the left, adapting on the right' if drive.adapted else 'Overlay'
    return (f'<h2>{title}</h2><video controls muted playsinline preload="metadata" {poster}'
            f'src="{escape(drive.video)}"></video>')


def _quality(drive: Drive) -> str:
    miou = drive.summary['miou']
    if not miou:
        return _timeline(drive, 'Mean confidence of the network', 'confidence', '%', 100)
    return (f'<h2>Agreement with the labels (mIoU)</h2>{bars(miou.items())}{_classes(drive.summary)}'
            + _timeline(drive, 'mIoU of each frame', 'miou', '%', 100))


def _classes(summary: Mapping[str, Any]) -> str:
    """IoU by class and segment, folded away."""
    segments = list(summary['iou'])
    names = list(dict.fromkeys(name for classes in summary['iou'].values() for name in classes))
    rows = [(name, *(number(summary['iou'][segment].get(name), '%', 1) for segment in segments)) for name in names]
    return f'<details><summary>IoU of each class</summary>{table(("class", *segments), rows)}</details>'


def _latency(drive: Drive) -> str:
    latency = drive.summary['latency_ms']
    if latency['p50'] is None:
        return ''
    meanings = {'p50': 'half of the masks', 'p95': '95 % of the masks', 'p99': '99 % of the masks'}
    tiles = ''.join(tile(number(latency[name], 'ms', 0), meaning) for name, meaning in meanings.items())
    top = max(1.0, 1.1 * latency['p99'])
    chart = _timeline(drive, '', 'latency_ms', 'ms', top)
    return ('<h2>Latency, from the image sent to the mask received</h2>'
            f'<div class="tiles" style="margin:0 0 14px">{tiles}</div>{chart}')


def _timeline(drive: Drive, title: str, attribute: str, unit: str, top: float) -> str:
    values = [getattr(moment, attribute) for moment in drive.moments]
    if len(drive.moments) < 2 or all(value is None for value in values):
        return ''
    head = f'<h2>{escape(title)}</h2>' if title else ''
    return head + timeline(drive.moments, values, unit, top)


def _sheet(drive: Drive) -> str:
    if not drive.sheet:
        return ''
    rows = 'Camera and overlays of both' if drive.adapted else 'Camera, mask and overlay'
    return f'<h2>Moments</h2>{picture(drive.sheet, f"{rows} at moments of the drive")}'


def _legend(drive: Drive) -> str:
    """The classes by their share of the masks, the most frequent first."""
    colors = dict(zip(drive.space.names, drive.space.colors))
    shares = sorted(((share, name) for name, share in drive.shares.items() if share > 0), reverse=True)
    items = ''.join(f'<li><i style="--color:rgb{colors[name]}"></i>{escape(name)} <span>{_share(share)}</span></li>'
                    for share, name in shares)
    return f'<h2>Classes, and their share of all masks</h2><ul class="legend">{items}</ul>' if items else ''


def _notes(drive: Drive) -> str:
    items = ''.join(f'<li>{escape(note)}</li>' for note in drive.summary['notes'])
    return f'<h2>Worth knowing</h2><ul class="notes">{items}</ul>' if items else ''


def _settings(drive: Drive) -> str:
    rows = [fact for part in ('bundle', 'settings', 'versions') for fact in drive.summary[part].items()]
    return (f'<h2>How it was made</h2>{facts(rows)}'
            '<footer>All figures are in <a href="summary.json">summary.json</a>.</footer>')


def _share(share: float) -> str:
    return f'{share:.1f} %' if share >= 0.05 else '&lt; 0.1 %'
