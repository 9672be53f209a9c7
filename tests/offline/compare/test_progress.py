"""How far a comparison is, and the time left: steps to go times what a step took, of the same method where known."""

from __future__ import annotations

import json

import pytest

from offline.compare import progress as module
from offline.compare.progress import Progress

STEPS = {('quick', 0): 100, ('slow', 0): 100, ('quick', 1): 100, ('slow', 1): 100}


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, 'monotonic', lambda: now[0])
    return now


def log(runs, method, seed, step, stage='00_a', tail=''):
    folder = runs / method / f'seed_{seed}' / stage
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'log.jsonl').write_text(json.dumps({'step': step}) + '\n' + tail)


def test_before_the_first_step_no_time_is_told(tmp_path, clock):
    progress = Progress(STEPS, tmp_path, 2)
    progress.begin(('quick', 0))
    assert progress.seconds_left() is None
    assert progress.line() == '0 of 4 ended; running: quick, seed 0 (step 0 of 100)'


def test_each_method_is_judged_by_its_own_steps(tmp_path, clock):
    progress = Progress(STEPS, tmp_path, 2)
    progress.begin(('quick', 0))
    progress.begin(('slow', 0))
    clock[0] = 50
    log(tmp_path, 'quick', 0, 100)
    log(tmp_path, 'slow', 0, 10, tail='{"step": 2')  # half a line
    progress.end(('quick', 0))
    # slow: 90 + 100 steps of 5 s; quick: 100 of 0.5 s; by two workers
    assert progress.seconds_left() == pytest.approx((190 * 5 + 100 * 0.5) / 2)
    assert progress.line() == '1 of 4 ended; running: slow, seed 0 (step 10 of 100); about 8 min left'


def test_an_unseen_method_is_judged_by_all(tmp_path, clock):
    progress = Progress({('quick', 0): 100, ('slow', 0): 50}, tmp_path, 1)
    progress.begin(('quick', 0))
    clock[0] = 20
    log(tmp_path, 'quick', 0, 60)
    log(tmp_path, 'quick', 0, 40, stage='01_b')
    progress.end(('quick', 0))
    assert progress.seconds_left() == pytest.approx(50 * 0.2)


def test_steps_of_an_earlier_call_took_no_time_in_this(tmp_path, clock):
    log(tmp_path, 'quick', 0, 50)
    progress = Progress({('quick', 0): 100}, tmp_path, 1)
    progress.begin(('quick', 0))
    clock[0] = 10
    log(tmp_path, 'quick', 0, 60)
    assert progress.seconds_left() == pytest.approx(40)


def test_a_failed_training_is_not_waited_for(tmp_path, clock):
    progress = Progress({('quick', 0): 100, ('quick', 1): 100}, tmp_path, 1)
    for seed in (0, 1):
        progress.begin(('quick', seed))
        clock[0] += 10
        log(tmp_path, 'quick', seed, 10)
        progress.end(('quick', seed))
    assert progress.line() == '2 of 2 ended'
