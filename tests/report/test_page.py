"""The page holds the figures, escapes what it is told, and loads nothing from outside."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from uda_seg_ros.labels import CITYSCAPES
from uda_seg_ros.report.drive import Drive, Moment
from uda_seg_ros.report.page import render

VOID = {'meta', 'img', 'rect', 'line', 'path', 'polyline'}


def _drive(**changes) -> Drive:
    summary = {'input': '/drives/<b>town & country', 'frames_in': 4, 'masks_out': 3, 'dropped': 1, 'skipped': 0,
               'latency_ms': {'p50': 41.4, 'p95': 60.2, 'p99': 71.0}, 'miou': {'clear': 61.25, 'fog <thick>': None},
               'miou_all': 55.5, 'iou': {'clear': {'road': 90.0}, 'fog <thick>': {'road': 50.0, 'car': 3.0}},
               'width': 640, 'height': 360, 'rate_hz': 15.0, 'notes': ['1 < 2'], 'bundle': {'network': 'fast_scnn'},
               'settings': {}, 'versions': {'Python': '3.11'}} | changes
    moments = [Moment(0, 0.0, 'clear', 40.0, 80.0, 60.0), Moment(1, 0.1, 'clear', 41.0, 80.0, 62.0),
               Moment(2, 0.2, 'fog <thick>'), Moment(3, 0.3, 'fog <thick>', 70.0, 50.0, 30.0)]
    return Drive(summary, moments, CITYSCAPES, {'road': 60.0, 'sky': 39.98, 'car': 0.02, 'bus': 0.0}, 'overlay.webm',
                 'poster.jpg', 'sheet.jpg')


class _Balance(HTMLParser):
    """Fails on a tag that is closed in the wrong order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing_from_outside():
    html = render(_drive())
    parser = _Balance()
    parser.feed(html)
    assert parser.open == [] and 'width=device-width' in html
    linked = set(re.findall(r'(?:src|href|poster)="([^"]*)"', html))
    assert linked == {'overlay.webm', 'poster.jpg', 'sheet.jpg', 'summary.json'}
    assert '://' not in html and '@import' not in html


def test_the_figures_stand_on_the_page_and_texts_are_escaped():
    html = render(_drive())
    for text in ('3 of 4 frames were segmented', '61.2&nbsp;%', '&ndash;', '41&nbsp;ms', '71&nbsp;ms', 'fog &lt;thick&gt;',
                 'town &amp; country', '1 &lt; 2', '640x360 at 15.0 frames', 'road <span>60.0 %', 'car <span>&lt; 0.1 %'):
        assert text in html, text
    assert '<b>town' not in html and '<thick>' not in html and 'bus' not in html
    assert 'class="lost"' in html  # the dropped frame


@pytest.mark.parametrize(('changes', 'there', 'missing'), [
    ({'dropped': 0, 'masks_out': 4}, 'All 4 frames were segmented', 'of 4 frames'),
    ({'miou': {}, 'iou': {}, 'miou_all': None}, 'Mean confidence', 'mIoU'),
    ({'notes': []}, 'Overlay', 'Worth knowing'),
    ({'latency_ms': {'p50': None, 'p95': None, 'p99': None}}, 'Overlay', 'Latency, from'),
])
def test_what_there_is_not_is_left_out(changes, there, missing):
    html = render(_drive(**changes))
    assert there in html and missing not in html
