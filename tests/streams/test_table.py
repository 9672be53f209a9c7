"""The schedules of all streams: how long, what kind, how severe, and the same each time."""

from __future__ import annotations

from itertools import pairwise

import pytest

from uda_seg_ros.procedural import FAMILIES, WEATHERS
from uda_seg_ros.streams.errors import StreamError
from uda_seg_ros.streams.schedule import DAY, DUSK, Part, clean, moments, steady
from uda_seg_ros.streams.table import STREAMS, find_stream

LENGTHS = {DAY: 100, DUSK: 70}


def shown(stream, frames=None, **more):
    return moments(stream.parts(frames, **more), LENGTHS)


def test_the_table_holds_streams_a_to_k():
    assert ''.join(STREAMS) == 'ABCDEFGHIJK'
    assert [name for name, stream in STREAMS.items() if stream.kind == 'trap'] == ['A', 'F', 'G', 'H', 'J']


@pytest.mark.parametrize('frames', [None, 120, 200])
@pytest.mark.parametrize('name', STREAMS)
def test_a_stream_has_its_length_and_lawful_weather(name, frames):
    stream = STREAMS[name]
    found = shown(stream, frames)
    assert len(found) == (frames or stream.frames)
    for moment in found:
        assert set(moment.weather) <= set(WEATHERS)
        assert all(0 <= severity <= 1 for severity in moment.weather.values())
        assert 0 <= moment.place < LENGTHS[moment.drive]


@pytest.mark.parametrize('name', STREAMS)
def test_a_stream_repeats(name):
    assert shown(STREAMS[name], 120) == shown(STREAMS[name], 120)


@pytest.mark.parametrize('tune', [False, True])
@pytest.mark.parametrize('name', STREAMS)
def test_only_the_families_meant_for_it_are_shown(name, tune):
    used = {weather for moment in shown(STREAMS[name], 200, tune=tune) for weather in moment.weather}
    assert used <= set(FAMILIES['tune' if tune else 'test'])
    assert bool(used) == (name not in ('A', 'B', 'H', 'J'))


@pytest.mark.parametrize('name', [name for name in STREAMS if name not in 'J'])
def test_a_stream_begins_where_the_network_is_at_home(name):
    assert shown(STREAMS[name], 120)[0].clean


@pytest.mark.parametrize('name', 'BCDEGHK')
def test_a_stream_comes_back(name):
    assert shown(STREAMS[name], 120)[-1].clean


@pytest.mark.parametrize('name, check', [
    ('A', lambda found: all(moment.clean for moment in found)),
    ('B', lambda found: {moment.drive for moment in found} == {DAY, DUSK} and not any(moment.weather for moment in found)),
    ('C', lambda found: [moment.weather.get('rain', 0) for moment in found][::11][:6] == [0, 0.125, 0.25, 0.375, 0.5, 1]),
    ('D', lambda found: max(moment.weather.get('fog', 0) for moment in found) == 1),
    ('E', lambda found: {weather for moment in found for weather in moment.weather} == {'fog', 'night', 'rain', 'snow'}),
    ('F', lambda found: sum(a.clean != b.clean for a, b in pairwise(found)) >= 20),
    ('G', lambda found: len({moment.place for moment in found if moment.weather}) == 1),
    ('H', lambda found: {moment.fault for moment in found} == {'', 'black', 'frozen', 'saturated'}),
    ('K', lambda found: {moment.weather.get('rain') for moment in found if moment.drive == DUSK} == {0.4}),
])
def test_a_stream_is_what_its_title_says(name, check):
    assert check(shown(STREAMS[name], 121))


def test_a_condition_met_again_has_its_name_again():
    weather = {}
    for stream in STREAMS.values():
        for part in stream.parts():
            if not part.name.startswith(tuple(FAMILIES['test'])) or ' to ' in part.name:
                continue
            assert weather.setdefault((stream.name, part.name), part.weather) == part.weather


def test_the_long_walk_of_another_seed_is_another_walk():
    assert shown(STREAMS['I'], 1000, seed=1) != shown(STREAMS['I'], 1000, seed=2)


@pytest.mark.parametrize('call, message', [
    (lambda: find_stream('L'), "unknown stream 'L'"), (lambda: STREAMS['C'].parts(5), '5 frames are too few')])
def test_what_cannot_be_shown_is_said(call, message):
    with pytest.raises(StreamError, match=message):
        call()


def test_a_used_up_drive_is_shown_again_mirrored():
    found = moments([clean(5)], {DAY: 2})
    seen = [(moment.place, moment.mirrored) for moment in found]
    assert seen == [(0, False), (1, False), (0, True), (1, True), (0, False)]


def test_a_held_drive_goes_on_afterwards():
    found = moments([clean(2), steady('fog', 3, 0.6, held=True), clean(2)], {DAY: 9})
    assert [moment.place for moment in found] == [0, 1, 2, 2, 2, 3, 4]


def test_a_ramp_reaches_both_ends():
    found = moments([Part('rising', 3, {'fog': (0.0, 1.0)})], {DAY: 9})
    assert [moment.weather['fog'] for moment in found] == [0.0, 0.5, 1.0]
