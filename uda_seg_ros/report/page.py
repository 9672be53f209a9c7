"""The page that shows a drive: index.html, beside the video and the contact sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from .chart import timeline
from .drive import Drive
from .style import CSS


def render(drive: Drive) -> str:
    """The page as HTML. Nothing but the drive's own video and sheet is loaded, from beside it."""
    sections = (_header, _video, _quality, _latency, _sheet, _legend, _notes, _settings)
    body = '\n'.join(part for part in (section(drive) for section in sections) if part)
    return ('<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{escape(_title(drive.summary))}</title><style>{CSS}</style></head>\n<body><main>\n{body}\n'
            '</main></body></html>\n')


def _title(summary: Mapping[str, Any]) -> str:
    if summary['dropped'] == 0:
        return f'All {summary["frames_in"]} frames were segmented'
    return f'{summary["masks_out"]} of {summary["frames_in"]} frames were segmented'


def _header(drive: Drive) -> str:
    summary = drive.summary
    share = 100 * summary['dropped'] / max(1, summary['frames_in'])
    tiles = [(str(summary['frames_in']), 'frames in'), (str(summary['masks_out']), 'masks out'),
             (str(summary['dropped']), f'dropped ({share:.1f} %)', 'good' if summary['dropped'] == 0 else 'warn'),
             (_number(summary['latency_ms']['p50'], 'ms', 0), 'median latency')]
    if summary.get('miou_all') is not None:
        tiles.append((_number(summary['miou_all'], '%', 1), 'mIoU of the drive'))
    inside = ''.join(_tile(*tile) for tile in tiles)
    lead = (f'{Path(summary["input"]).name}, {summary["width"]}x{summary["height"]} at {summary["rate_hz"]:.1f} '
            'frames a second')
    if origin := summary['bundle'].get('trained on'):
        lead += f'; {summary["bundle"]["network"]}, trained on {origin}'
    return (f'<header><p class="eyebrow">uda_seg_ros &middot; a drive</p><h1>{escape(_title(summary))}</h1>'
            f'<p class="lead">{escape(lead)}</p></header><div class="tiles">{inside}</div>')


def _video(drive: Drive) -> str:
    if not drive.video:
        return ''
    poster = f'poster="{escape(drive.poster)}" ' if drive.poster else ''
    return (f'<h2>Overlay</h2><video controls muted playsinline preload="metadata" {poster}'
            f'src="{escape(drive.video)}"></video>')


def _quality(drive: Drive) -> str:
    miou = drive.summary['miou']
    if not miou:
        return _timeline(drive, 'Mean confidence of the network', 'confidence', '%', 100)
    bars = ''.join(f'<div class="bar"><span>{escape(name)}</span><i style="--share:{value or 0:.1f}%"></i>'
                   f'<b>{_number(value, "%", 1)}</b></div>' for name, value in miou.items())
    return (f'<h2>Agreement with the labels (mIoU)</h2><div class="bars">{bars}</div>{_classes(drive.summary)}'
            + _timeline(drive, 'mIoU of each frame', 'miou', '%', 100))


def _classes(summary: Mapping[str, Any]) -> str:
    """IoU by class and segment, folded away."""
    segments = list(summary['iou'])
    names = list(dict.fromkeys(name for classes in summary['iou'].values() for name in classes))
    head = ''.join(f'<th>{escape(text)}</th>' for text in ('class', *segments))
    cells = {name: ''.join(f'<td>{_number(summary["iou"][segment].get(name), "%", 1)}</td>' for segment in segments)
             for name in names}
    rows = ''.join(f'<tr><td>{escape(name)}</td>{values}</tr>' for name, values in cells.items())
    return (f'<details><summary>IoU of each class</summary><div class="scroll"><table><tr>{head}</tr>{rows}'
            '</table></div></details>')


def _latency(drive: Drive) -> str:
    latency = drive.summary['latency_ms']
    if latency['p50'] is None:
        return ''
    meanings = {'p50': 'half of the masks', 'p95': '95 % of the masks', 'p99': '99 % of the masks'}
    tiles = ''.join(_tile(_number(latency[name], 'ms', 0), meaning) for name, meaning in meanings.items())
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
    name = escape(drive.sheet)
    return (f'<h2>Moments</h2><div class="sheet"><a href="{name}"><img src="{name}" loading="lazy" '
            'alt="Camera, mask and overlay at moments of the drive"></a></div>')


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
    rows = ''.join(f'<tr><td>{escape(str(name))}</td><td class="text">{escape(str(value))}</td></tr>'
                   for part in ('bundle', 'settings', 'versions') for name, value in drive.summary[part].items())
    return (f'<h2>How it was made</h2><div class="scroll"><table>{rows}</table></div>'
            '<footer>All figures are in <a href="summary.json">summary.json</a>.</footer>')


def _tile(value: str, name: str, kind: str = '') -> str:
    return f'<div class="tile {kind}"><b>{value}</b><span>{escape(name)}</span></div>'


def _number(value: float | None, unit: str, digits: int) -> str:
    return '&ndash;' if value is None or math.isnan(value) else f'{value:.{digits}f}&nbsp;{unit}'


def _share(share: float) -> str:
    return f'{share:.1f} %' if share >= 0.05 else '&lt; 0.1 %'
