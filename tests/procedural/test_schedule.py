"""Schedules: what can be said, and what each mistake is told."""

from __future__ import annotations

import pytest

from uda_seg_ros.procedural import WEATHERS, ScheduleError, parse_schedule


@pytest.mark.parametrize(
    ('text', 'frame', 'expected'),
    [
        ('clear:10', 3, {}),
        ('fog:10', 3, {'fog': 1.0}),
        ('fog:0.25:10', 9, {'fog': 0.25}),
        ('clear:5,fog:0..1:11', 5, {'fog': 0.0}),
        ('clear:5,fog:0..1:11', 10, {'fog': 0.5}),
        ('clear:5,fog:0..1:11', 15, {'fog': 1.0}),
        ('fog:0.4+night:1..0:3', 1, {'fog': 0.4, 'night': 0.5}),
        ('fog:0..1:1', 0, {'fog': 0.0}),
        (' clear:2 , rain:0.5:2 ', 2, {'rain': 0.5}),
    ],
)
def test_severities_at_a_frame(text, frame, expected):
    assert parse_schedule(text).at(frame) == pytest.approx(expected)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('frog:10', "part 'frog:10': unknown weather 'frog'"),
        ('clear:5,fog', "part 'fog': it needs a weather and a number of frames"),
        ('fog:0.5', "'0.5' is not a number of frames"),
        ('fog:0', "'0' is not a number of frames"),
        ('fog:-3', "'-3' is not a number of frames"),
        ('fog:1.5:10', 'severity 1.5 lies outside 0..1'),
        ('fog:nan:10', 'severity nan lies outside 0..1'),
        ('fog:thick:10', "'thick' is not a severity"),
        ('fog:0..:10', "'0..' is not a severity"),
        ('clear:0.5:10', 'clear has no severity'),
        ('fog+fog:10', 'names a weather twice'),
        ('clear:5,,fog:5', "part ''"),
        ('', "part ''"),
    ],
)
def test_a_mistake_names_the_part_and_the_weathers(text, message):
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text)
    assert message in str(caught.value) and ', '.join(WEATHERS) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_segments_are_named_once_each_and_follow_each_other():
    schedule = parse_schedule('clear:100,fog:0..1:200,clear:100,fog:0.4+night:0.6:50')
    parts = [(part.name, part.start, part.stop) for part in schedule.segments]
    assert parts == [('clear', 0, 100), ('fog', 100, 300), ('clear_2', 300, 400), ('fog+night', 400, 450)]
    assert schedule.frames == 450


def test_frames_stretch_the_schedule():
    schedule = parse_schedule('clear:1,fog:0..1:2,clear:1', frames=40)
    assert [(part.start, part.stop) for part in schedule.segments] == [(0, 10), (10, 30), (30, 40)]
    assert [part.stop for part in parse_schedule('clear,fog,clear', 30).segments] == [10, 20, 30]
    assert [part.stop for part in parse_schedule('clear:1000,fog:1,night:1', 5).segments] == [3, 4, 5]


def test_too_few_frames_are_refused():
    with pytest.raises(ScheduleError, match='too few'):
        parse_schedule('clear:5,fog:5,clear:5', frames=2)


def test_outside_the_schedule_there_is_no_weather():
    with pytest.raises(IndexError, match='10 frames'):
        parse_schedule('clear:10').at(10)
