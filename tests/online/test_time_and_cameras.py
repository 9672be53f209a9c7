"""Time and cameras as a robot has them: recordings that loop, nights, clocks that leap, several cameras, other shapes."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest

from uda_seg_ros.online.adapter import Adapter
from uda_seg_ros.online.clock import Clock
from uda_seg_ros.online.rota import Rota
from uda_seg_ros.online.segmenter import Segmenter
from uda_seg_ros.structures import Frame

from .conftest import QUICK, SECOND, clear, drive, foggy
from .test_hardships import Beside

LOOP = [*range(100, 160)] * 6
NIGHT = [*range(100, 200), *range(100_000, 100_260)]
LEAP = [*range(100, 200), *range(5, 265)]


@pytest.mark.parametrize('seconds', [LOOP, NIGHT, LEAP], ids=['a bag that loops', 'a night between', 'a clock set back'])
def test_what_waits_for_its_time_has_it_while_pictures_come_and_not_before(seconds):
    clock = Clock()
    clock.advance(seconds[0] * SECOND)
    clock.begin('lock')
    over = [clock.over('lock', 300) for stamp in seconds[1:] if clock.advance(stamp * SECOND)]
    assert len(over) == len(seconds) - 1 and 290 <= over.index(True) <= 306


def test_a_night_later_what_was_confirmed_before_is_served_as_it_was(in_fog):
    served = in_fog.served.now
    assert not served.is_frozen
    drive(in_fog, foggy(4, 1500), 100_000, pieces=0)
    assert (in_fog.served.now.share, in_fog.served.now.scale) == (served.share, served.scale)


@pytest.mark.parametrize('seconds', [LOOP, NIGHT], ids=['a bag that loops', 'a night between'])
def test_a_lock_ends(in_fog, seconds):
    for _ in range(3):
        in_fog.revert('found bad')
    assert in_fog.course.state == 'safe'
    for second, image in zip(seconds, clear(len(seconds), 2000)):
        in_fog.observe(Frame(image, second * SECOND))
    assert in_fog.course.state == 'idle'


STAMPS = {'at the same moments': lambda camera, number: number * SECOND // 10,
          'in turn': lambda camera, number: (3 * number + camera) * SECOND // 30,
          'of clocks that are hours apart': lambda camera, number: (camera * 3600 + number) * SECOND // 10 + camera}


@pytest.mark.parametrize('stamp', STAMPS.values(), ids=STAMPS)
def test_cameras_are_looked_at_in_turn_and_no_more_often_than_one(stamp):
    clock, rota, looks = Clock(), Rota(), Counter()
    for number in range(200):
        for camera in range(3):
            name = f'camera {camera}'
            looks[name] += clock.advance(stamp(camera, number), name) and rota.takes(name, clock, 0.5)
    assert sum(looks.values()) in range(36, 42), 'two a second, for 20 s'
    assert max(looks.values()) - min(looks.values()) <= 1


@pytest.mark.parametrize('rates_hz', [(30, 1), (1, 1), (1, 30)])
def test_a_slow_camera_is_not_passed_over(rates_hz):
    clock, rota, looks = Clock(), Rota(), Counter()
    frames = sorted((number / rate_hz, camera) for camera, rate_hz in enumerate(rates_hz) for number in range(40 * rate_hz))
    for second, camera in frames:
        looks[camera] += clock.advance(int(second * SECOND), str(camera)) and rota.takes(str(camera), clock, 0.5)
    assert sum(looks.values()) >= 35 and min(looks.values()) >= 0.3 * sum(looks.values())


def test_a_camera_that_stops_leaves_the_looks_to_the_others():
    clock, rota, late = Clock(), Rota(), 0
    for number in range(400):
        for name in ('left', 'right') if number < 200 else ('left',):
            late += clock.advance(number * SECOND // 10, name) and rota.takes(name, clock, 0.5) and number >= 200
    assert late in range(37, 42)


class Told:
    """A worker that notes whose frames it was offered."""

    def __init__(self) -> None:
        self.cameras: list[str] = []

    take = staticmethod(lambda: None)
    giving_way = Beside.giving_way

    def offer(self, frame: Frame) -> None:
        self.cameras.append(frame.camera)


@pytest.mark.parametrize('cameras, told', [((), ['left', 'right', 'left']), (('right',), ['right'] * 3), (('rear',), [])])
def test_of_frames_that_are_segmented_at_once_the_learner_gets_one_of_each_camera_in_turn(cameras, told):
    class Blind:
        batch = staticmethod(lambda frames, **_: list(frames))

    worker = Told()
    segmenter = Segmenter(Blind(), worker, cameras)
    for _ in range(3):
        segmenter.batch([Frame(np.zeros((2, 2, 3), np.uint8), 0, name) for name in ('left', 'right')])
    assert worker.cameras == told


def test_a_camera_that_hangs_is_told_beside_one_that_does_not(adapter):
    still = clear(1)[0]
    for number, image in enumerate(clear(8, 400)):
        adapter.observe(Frame(image, number * SECOND, 'goes on'))
        adapter.observe(Frame(still, number * SECOND + SECOND // 2, 'hangs'))
    assert 'same picture as before' in adapter.status.events[-1].text


def cropped(image: np.ndarray) -> np.ndarray:
    """As a camera of another shape shows it: the network sees it at 64x64 pixels."""
    return np.ascontiguousarray(image[:, 16:80])


@pytest.fixture
def keeping(bundle):
    """An adapter of the small world that keeps the shape of pictures, as engines do by themselves."""
    return Adapter(dataclasses.replace(bundle, preprocess=dataclasses.replace(bundle.preprocess, keep_aspect=True)), QUICK)


def loaded(adapter: Adapter, state: dict) -> Adapter:
    adapter.load_state_dict(state)
    return adapter


@pytest.mark.parametrize('first', ['left', 'right'])
def test_what_is_taken_up_stays_although_the_other_camera_comes_first(keeping, fog_state, first):
    state = {**fog_state, 'eye': {**fog_state['eye'], 'camera': 'left'}}
    adapter = loaded(keeping, state)
    cameras = ['left', 'right'] if first == 'left' else ['right', 'left']
    for number, image in enumerate(foggy(8, 1600)):
        name = cameras[number % 2]
        adapter.observe(Frame(cropped(image) if name == 'right' else image, (40 + number) * SECOND, name))
    assert not adapter.served.now.is_frozen and adapter.eye.size == (64, 96)


def test_a_camera_that_changes_its_shape_beside_another_is_seen_on(keeping, fog_state, monkeypatch):
    adapter, seen = loaded(keeping, fog_state), Counter()
    see = adapter.eye.see
    monkeypatch.setattr(adapter.eye, 'see', lambda frame: seen.update([frame.camera]) or see(frame))
    for number, image in enumerate(foggy(6, 1800)):
        adapter.observe(Frame(image, (40 + number) * SECOND, 'left' if number % 2 else 'right'))
    seen.clear()
    for number, image in enumerate(foggy(12, 1810)):
        name = 'left' if number % 2 else 'right'
        adapter.observe(Frame(cropped(image) if name == 'right' else image, (50 + number) * SECOND, name))
    assert adapter.eye.size == (64, 96) and not adapter.served.now.is_frozen
    assert min(seen['left'], seen['right']) >= 2


def test_a_camera_of_another_name_that_has_the_size_is_the_one_that_tells_it(keeping, fog_state):
    adapter = loaded(keeping, fog_state)
    for number, image in enumerate([*foggy(2, 1830), *map(cropped, foggy(8, 1840))]):
        adapter.observe(Frame(image, (40 + number) * SECOND, 'renamed'))
    assert adapter.eye.size == (64, 64) and adapter.served.now.is_frozen


def test_what_was_learned_waits_for_the_camera_that_starts_last(keeping, fog_state):
    adapter = loaded(keeping, {**fog_state, 'eye': {**fog_state['eye'], 'camera': 'front'}})
    for number, image in enumerate(map(cropped, foggy(20, 1860))):
        adapter.observe(Frame(image, (40 + number) * SECOND, 'rear'))
    assert not adapter.served.now.is_frozen and adapter.eye.size == (64, 96)
    for number, image in enumerate(map(cropped, foggy(30, 1890))):
        adapter.observe(Frame(image, (60 + number) * SECOND, 'rear'))
    assert adapter.served.now.is_frozen and adapter.eye.size == (64, 64)


@pytest.mark.parametrize('count, size', [(3, (64, 96)), (6, (64, 64))])
def test_a_camera_that_changes_its_shape_for_good_is_learned_anew_and_a_few_odd_pictures_are_passed_over(
        keeping, fog_state, count, size):
    adapter = loaded(keeping, fog_state)
    drive(adapter, foggy(2, 1700), 40, pieces=0)
    drive(adapter, map(cropped, foggy(count, 1710)), 42, pieces=0)
    drive(adapter, foggy(1, 1720) if size == (64, 96) else map(cropped, foggy(1, 1720)), 60, pieces=0)
    assert adapter.eye.size == size and adapter.served.now.is_frozen == (size != (64, 96))
