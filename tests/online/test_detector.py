"""The sequential tests keep their word on what they do not know, and fire on what they are for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from uda_seg_ros.online.course import Course
from uda_seg_ros.online.detector import Detector
from uda_seg_ros.online.settings import DetectorSettings
from uda_seg_ros.online.shift_score import Score, ShiftScore

SETTINGS = DetectorSettings()
STEP = 2_000_000_000


def first_alarm(samples) -> int | None:
    detector = Detector(SETTINGS)
    return next((number for number, u in enumerate(samples, 1) if detector.add(float(u), number * STEP)), None)


def test_uniform_samples_raise_false_alarms_as_rarely_as_promised():
    rng = np.random.default_rng(0)
    alarms = sum(first_alarm(rng.random(500)) is not None for _ in range(200))
    assert alarms <= 6  # 1 % of 200 by the martingale, beside chance


@pytest.mark.parametrize(('power', 'median'), [(2, 60), (5, 20), (20, 10), (100, 6)])
def test_the_delay_falls_with_the_shift(power, median):
    rng = np.random.default_rng(1)
    delays = [first_alarm(rng.beta(power, 1, 300)) for _ in range(40)]
    assert None not in delays and np.median(delays) <= median


def test_samples_that_come_too_soon_are_not_counted():
    detector = Detector(DetectorSettings(thin_s=2.0))
    for number in range(50):
        detector.add(0.999, number * STEP // 40)
    assert detector.samples == 2


def test_the_score_is_0_at_the_median_and_1_at_the_99_percent_quantile_and_u_is_uniform_on_the_source():
    torch.manual_seed(0)
    signals = torch.rand(400, 6)
    score = ShiftScore(signals)
    u = sorted(score(row.tolist()).u for row in signals)
    np.testing.assert_allclose(u, np.linspace(0, 1, 400), atol=0.02)
    assert np.mean([score(row.tolist()).r >= 1 for row in signals]) < 0.04
    assert score([2.0, *[0.5] * 5]).r > 1.5 and score([2.0, *[0.5] * 5]).name == 'features'
    assert score([0.5, 0.5, -1.0, 0.5, 0.5, 0.5]).name == 'image'  # darker counts as brighter does


def course_after(scores) -> tuple[Course, list[str]]:
    course, turns = Course(SETTINGS), []
    course.enter('idle')
    states = {'shift': 'adapt', 'return': 'return', 'resume': 'adapt', 'settled': 'idle'}
    for number, (r, u) in enumerate(scores, 1):
        turn = course.see(Score(r, u, 'features'), number * STEP)
        if turn:
            turns.append(turn.kind)
            course.enter(states[turn.kind])
    return course, turns


NORMAL, STRANGE = (0.1, 0.4), (5.0, 0.998)


@pytest.mark.parametrize(('scores', 'turns', 'state'), [
    ([NORMAL] * 60, [], 'idle'),
    ([NORMAL] * 5 + [STRANGE] * 8, ['shift'], 'adapt'),
    ([STRANGE, NORMAL, NORMAL] * 20, [], 'idle'),
    ([STRANGE] * 8 + [NORMAL] * 3, ['shift', 'return'], 'return'),
    ([STRANGE] * 8 + [NORMAL] * 4 + [STRANGE] * 2, ['shift', 'return', 'resume'], 'adapt'),
    ([STRANGE] * 8 + [NORMAL] * 30, ['shift', 'return', 'settled'], 'idle'),
    ([(0.5, 0.97)] * 100, [], 'idle'),
], ids=['normal', 'shift', 'flicker', 'return', 'resume', 'settled', 'lasting but within the source'])
def test_the_course_follows_the_scores(scores, turns, state):
    course, seen = course_after(scores)
    assert (seen, course.state) == (turns, state)


def test_a_saved_course_goes_on_as_the_one_it_was():
    course, _ = course_after([STRANGE] * 3)
    other = Course(SETTINGS)
    other.load_state_dict(course.state_dict())
    for number in range(4, 9):
        assert course.see(Score(*STRANGE, 'entropy'), number * STEP) == other.see(Score(*STRANGE, 'entropy'), number * STEP)
