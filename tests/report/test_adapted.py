"""Where a drive was played twice, the page sets both side by side, and says in words what adapting gained and why."""

from __future__ import annotations

import dataclasses

import pytest

from tests.report.test_page import _Balance, _drive
from uda_seg_ros.report.adapted import LEAST, sentence, trailing
from uda_seg_ros.report.drive import Drive, Moment
from uda_seg_ros.report.page import render

FIGURES = {'frames_in': 4, 'masks_out': 4, 'dropped': 0, 'latency_ms': {'p50': 43.2, 'p95': 64.0, 'p99': 82.0},
           'miou': {'clear': 61.25, 'fog <thick>': 37.5}, 'miou_all': 58.5, 'iou': {'clear': {'road': 91.5}},
           'agreement': {'clear': 100.0, 'fog <thick>': 83.4}, 'weights_versions': [{'time_s': 0.21, 'version': 1}],
           'events': [{'time_s': 0.12, 'kind': 'shift', 'text': 'score 8 > 1'},
                      {'time_s': 0.21, 'kind': 'promotion', 'text': '+5.6 points'},
                      {'time_s': 0.25, 'kind': 'rejection', 'text': 'worse on clean'}],
           'learner': {'why': 'watching', 'state': 'running', 'step': '25', 'key frames': '7'}}


def _both(frozen=None, **changes) -> Drive:
    drive = _drive(adapted=FIGURES | changes, **(frozen or {'miou': {'clear': 61.25, 'fog <thick>': 30.0}}))
    moments = [dataclasses.replace(moment, latency_ms=44.0, miou=(moment.miou or 30) + 5, agreement=80.0 + moment.index)
               for moment in drive.moments]
    return dataclasses.replace(drive, adapted=moments)


def test_both_curves_tables_and_the_story_stand_on_the_page():
    html = render(_both())
    parser = _Balance()
    parser.feed(html)
    assert parser.open == [] and '<thick>' not in html
    assert html.count('class="frozen"') >= 2 and html.count('<polyline class="adapted"') == 2  # of mIoU and of latency
    for text in ('frozen on the left, adapting on the right', '+7.5', '37.5&nbsp;%', '+3.0 points of mIoU over all of it',
                 '64&nbsp;ms', '82&nbsp;ms', '90.0&nbsp; &rarr; 91.5',
                 'other weights served</b>: +5.6 points', 'candidate refused</b>: worse on clean',
                 '0.1 s, shift: score 8 &gt; 1', 'Weights changed once', '25 training steps, 7 key-frames'):
        assert text in html, text


def test_a_mark_stands_on_the_chart_where_it_happened_and_refused_candidates_have_none():
    html = render(_both())
    assert html.count('<title>0.1 s') == html.count('<title>0.2 s') == 1 and 'worse on clean</title>' not in html


@pytest.mark.parametrize(('changes', 'words'), [
    ({'miou_all': 55.5 + LEAST}, 'Adapting gained on this drive'),
    ({'miou_all': 55.5 - LEAST}, 'Adapting lost on this drive'),
    ({'miou_all': 55.6}, 'neither gained nor lost much'),
    ({'weights_versions': []}, 'changed nothing'),
])
def test_what_adapting_gained_is_said_as_it_is(changes, words):
    assert words in sentence(_both(**changes).summary)


def test_without_labels_the_page_shows_how_far_the_two_agree():
    html = render(_both({'miou': {}, 'iou': {}, 'miou_all': None}, miou={}, iou={}, miou_all=None))
    assert 'Agreement of frozen and adapting' in html and '83.4&nbsp;%' in html and 'nobody can say' in html
    assert 'mIoU' not in html and '<polyline class="adapted"' in html


def test_curves_are_means_of_the_last_seconds_with_gaps_where_nothing_is():
    moments = [Moment(index, float(index), 'clear') for index in range(5)]
    assert trailing(moments, [0.0, 10.0, None, 20.0, 90.0]) == [0.0, 5.0, None, 15.0, 55.0]
