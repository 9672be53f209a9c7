"""Parts of a drive by name and number of frames."""

from __future__ import annotations

import json

import pytest

from uda_seg_ros.report.segments import Segments, parse_segments, segments_in


@pytest.mark.parametrize(('text', 'names', 'at'), [
    ('clear:2,fog:3', ('clear', 'fog'), ['clear', 'clear', 'fog', 'fog', 'fog', 'fog', 'fog']),
    ('clear:1,fog:0..1:1,clear:1', ('clear 1', 'fog', 'clear 2'), ['clear 1', 'fog', 'clear 2', 'clear 2']),
    (' dusk:4 ', ('dusk',), ['dusk'] * 6),
])
def test_frames_belong_to_segments_in_order_and_the_rest_to_the_last(text, names, at):
    segments = parse_segments(text)
    assert segments.names == names
    assert [segments.of(index) for index in range(len(at))] == at


@pytest.mark.parametrize('text', ['', 'clear', 'clear:', ':5', 'clear:many', 'clear:0', 'clear:-3', 'clear:5,,fog:2'])
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match='expected name:frames'):
        parse_segments(text)


def test_a_procedural_drive_tells_its_segments(tmp_path):
    parts = [('clear', 0, 2), ('low_sun', 2, 3), ('clear_2', 3, 9)]
    told = {'segments': [{'name': name, 'start': start, 'stop': stop} for name, start, stop in parts]}
    (tmp_path / 'drive.json').write_text(json.dumps(told))
    segments = segments_in(tmp_path / 'drive.json')
    assert segments.names == ('clear 1', 'low_sun', 'clear 2') and segments.of(2) == 'low_sun'


@pytest.mark.parametrize('content', ['', '[]', '{}', '{"segments": [{"name": "clear"}]}', '{"segments": []}'])
def test_a_file_without_segments_is_refused_by_name(content, tmp_path):
    (tmp_path / 'drive.json').write_text(content)
    with pytest.raises(ValueError, match=r'drive.json: no segments'):
        segments_in(tmp_path / 'drive.json')


def test_one_segment_takes_all():
    assert Segments([('drive', 1)]).of(1000) == 'drive'
