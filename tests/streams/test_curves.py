"""Curves of a stream as SVG."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from uda_seg_ros.streams.curves import MARKS, curves
from uda_seg_ros.streams.measures import Span
from uda_seg_ros.streams.trace import Happening

from .test_measures import trace

PARTS = [Span(0, 50, 'clean', True, False), Span(50, 100, 'fog & rain', False, True)]


def drawn(served, frozen, happenings=()) -> ElementTree.Element:
    return ElementTree.fromstring(curves(served, frozen, PARTS, happenings))


def points(svg, name) -> list[list[tuple[float, float]]]:
    lines = [line.get('points').split() for line in svg.iter('polyline') if line.get('class') == name]
    return [[tuple(map(float, point.split(','))) for point in line] for line in lines]


def test_the_better_line_lies_above():
    svg = drawn(trace([0.8] * 100), trace([0.5] * 100))
    served, frozen = (points(svg, name)[0] for name in ('served', 'frozen'))
    assert all(a[1] < b[1] and a[0] == b[0] for a, b in zip(served, frozen, strict=True))
    assert all(46 <= y <= 240 and 52 <= x <= 886 for x, y in served + frozen)


def test_the_parts_are_bands_with_their_names():
    svg = drawn(trace([0.5] * 100), trace([0.5] * 100))
    assert len(list(svg.iter('rect'))) == 2
    assert [text.text for text in svg.iter('text') if text.get('class') == 'band'] == ['clean', 'fog & rain']


def test_windows_without_labels_are_a_gap():
    served = trace([0.5] * 100)
    served.counts[20:70] = 0
    assert [len(run) for run in points(drawn(served, served), 'served')] == [20 + 1, 30 + 1]


@pytest.mark.parametrize('kind', MARKS)
def test_an_event_is_marked_where_it_was(kind):
    svg = drawn(trace([0.5] * 100), trace([0.5] * 100), [Happening(99, kind, 'why < how'), Happening(3, 'rejection')])
    titles = [title.text for title in svg.iter('title')]
    assert titles == [f'frame 99: {kind} why < how']
    marks = [path.get('d') for path in svg.iter('path') if path.get('fill')]
    assert re.match(r'M886\.0 ', marks[0]) and len(marks) == 1
