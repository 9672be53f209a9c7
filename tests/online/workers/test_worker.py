"""A contract over both workers: inference gets every frame answered with whole weights, whatever the learner does."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from uda_seg_ros.bundle import Bundle
from uda_seg_ros.online import pulse, thread_worker
from uda_seg_ros.online.pulse import activity
from uda_seg_ros.online.start import choose_backend
from uda_seg_ros.online.worker import PLENTY, Terms
from uda_seg_ros.runtime.engine import URGENT, Engine
from uda_seg_ros.structures import Frame

THREAD = pytest.mark.parametrize('backend', ['thread'], indirect=True)  # where it is the keeper's doing: starts in no time
PROCESS = pytest.mark.parametrize('backend', ['process'], indirect=True)
FAULTS = {'exception': 'ZeroDivisionError: planted', 'memory': 'out of memory: planted', 'hang': 'the learner hangs',
          'nan': "'classifier.3.bias' is not finite", 'collapse': 'of the picture became',
          'segfault': 'killed by SIGSEGV'}


def told(drive) -> str:
    status = drive.worker.status
    return ' | '.join((status.text, *(event.text for event in status.events)))


def test_weights_reach_the_masks_one_whole_version_after_the_other_until_the_worker_is_closed(drive):
    drive = drive()
    drive.until(lambda: drive.worker.status.version >= 8 and drive.turns[-1] >= 8)
    assert drive.turns[0] == 0 and sorted(drive.turns) == drive.turns
    assert drive.frame().weights_version == drive.engine.weights_version >= 8
    status = drive.worker.status
    assert (status.condition, status.alive, status.restarts) == ('running', True, 0)
    assert status.text == status.adaptation.why and status.adaptation.version == status.version
    assert (status.pid is None) == (status.backend == 'thread')
    drive.worker.close()
    assert drive.worker.status.condition == 'closed'
    assert status.pid is None or not Path(f'/proc/{status.pid}').exists()
    drive.frame()


def test_offering_never_waits_and_the_newest_frame_wins(drive):
    drive = drive(beat_s=0.3)
    drive.until(lambda: drive.worker.status.version == 1)
    big = np.zeros((1080, 1920, 3), np.uint8)
    for number in range(1000):  # while the learner sleeps over its piece: were each taken, this would last 5 minutes
        drive.worker.offer(Frame(big, 10**9 + number))
    drive.worker.offer(Frame(drive.image, 77))
    seen = drive.worker.status.frames
    deadline = time.monotonic() + 30
    while not any(event.stamp_ns == 77 for event in drive.worker.status.adaptation.events):
        assert time.monotonic() < deadline, drive.worker.status
        time.sleep(0.01)
    assert drive.worker.status.frames <= seen + 3


def live_no_longer_than(drive, seconds: float) -> None:
    """How long weights that no learner watches stay in service, from now on."""
    drive.worker._terms = dataclasses.replace(drive.worker._terms, unwatched_s=seconds)


@pytest.mark.parametrize('backend, faults', [
    ('thread', ('exception', 'memory', 'nan', 'collapse', 'hang')),
    ('process', ('memory', 'nan')), ('process', ('segfault', 'hang'))],
    indirect=['backend'])
def test_faults_cost_no_frame_and_no_good_weights_and_the_learner_starts_again(drive, tmp_path, faults):
    drive = drive({'heartbeat_s': 1.0, 'steady_s': 0.0}, faults=faults, after=3, lives=str(tmp_path / 'lives'))
    drive.until(lambda: drive.worker.status.restarts == len(faults) and drive.worker.status.condition == 'running', 110)
    texts = [event.text for event in drive.worker.status.events if event.kind == 'fault']
    assert len(texts) == len(faults)
    for fault, text in zip(faults, texts):
        assert FAULTS[fault] in text and 'stays in service' in text
    version = drive.worker.status.version
    drive.until(lambda: drive.worker.status.version >= version + 3)
    assert set(np.diff(drive.turns)) <= set(range(-1, 6)), 'went on from other weights than the last good ones'


@PROCESS
def test_a_learner_killed_from_outside_is_replaced_while_every_frame_gets_its_mask(drive):
    drive = drive()
    drive.until(lambda: drive.turns and drive.turns[-1] >= 3)
    first = drive.worker.status.pid
    os.kill(first, signal.SIGKILL)
    drive.until(lambda: drive.worker.status.restarts == 1 and drive.worker.status.condition == 'running')
    assert 'killed by SIGKILL' in told(drive)
    version = drive.worker.status.version
    drive.until(lambda: drive.worker.status.version > version + 1)
    assert drive.worker.status.pid != first and not Path(f'/proc/{first}').exists()
    assert min(drive.turns[-10:]) >= 2, 'began anew instead of where the first one ended'


@THREAD
def test_a_learner_that_fails_again_and_again_is_given_up_and_a_reset_revives_it(drive):
    drive = drive({'restarts': 2}, faults=['exception'])
    drive.until(lambda: drive.worker.status.condition == 'failed')
    status = drive.worker.status
    assert not status.alive and status.restarts == 2 and 'given up until' in status.text
    assert len([event for event in status.events if event.kind == 'fault']) == 3
    assert set(drive.turns) == {0}
    drive.worker.ask('reset')
    drive.until(lambda: drive.worker.status.restarts >= 3 and drive.worker.status.version >= 1)


@THREAD
def test_weights_of_a_learner_that_was_given_up_leave_service_in_time_and_a_new_attempt_starts_from_the_frozen_ones(
        drive, tmp_path):
    drive = drive({'restarts': 0}, faults=['exception'], after=3, lives=str(tmp_path / 'lives'))
    drive.until(lambda: drive.worker.status.condition == 'failed')
    assert 'stays in service for 300 s at most' in told(drive)
    drive.frames(10)
    assert drive.turns[-1] == 3
    live_no_longer_than(drive, 0.1)
    drive.until(lambda: 'the frozen ones are served again' in drive.worker.status.text)
    served = drive.frame()
    assert drive.turns[-1] == 0 and served.weights_version == drive.worker.status.version == 4
    status = drive.worker.status
    assert status.events[-1].kind == 'return' and 'given up until' in status.text and 'stays in service' not in status.text
    assert 'frozen ones are served' in status.adaptation.why
    drive.worker.ask('reset')
    live_no_longer_than(drive, 300)
    came = len(drive.turns)
    drive.until(lambda: drive.worker.status.version >= 6)
    turns = drive.turns[came:]
    assert turns[0] == 0 and turns == sorted(turns), 'the new learner did not begin with the frozen weights'


@THREAD
def test_weights_that_a_learner_watches_stay_in_service_even_in_a_pause(drive):
    drive = drive()
    drive.until(lambda: drive.worker.status.version >= 2)
    drive.worker.ask('pause')
    drive.until(lambda: drive.worker.status.condition == 'paused')
    watched_s = drive.worker._watched_s
    drive.until(lambda: drive.worker._watched_s > watched_s)


@PROCESS
def test_a_learner_that_starves_for_long_has_its_weights_taken_out_of_service_and_begins_anew(drive, monkeypatch):
    drive = drive({'heartbeat_s': 0.3, 'give_way': 'never'}, beat_s=0.02)
    drive.until(lambda: drive.worker.status.version >= 3)
    monkeypatch.setattr(pulse, 'activity', lambda stat: (True, 0.0))
    pid = drive.worker.status.pid
    os.kill(pid, signal.SIGSTOP)
    live_no_longer_than(drive, 1.0)
    drive.until(lambda: 'the frozen ones are served again' in told(drive))
    drive.frames(3)
    assert drive.turns[-1] == 0
    live_no_longer_than(drive, 300)
    os.kill(pid, signal.SIGCONT)
    version = drive.worker.status.version
    drive.until(lambda: drive.worker.status.version > version + 1)
    assert drive.worker.status.restarts == 0 and drive.worker.status.pid == pid


@THREAD
def test_a_learner_that_cannot_be_made_is_not_tried_forever(drive):
    drive = drive(method='tests.online.workers.standin:Nothing')
    drive.until(lambda: drive.worker.status.condition == 'failed')
    assert drive.worker.status.restarts == 0 and "has no attribute 'Nothing'" in drive.worker.status.text
    drive.frame()


@THREAD
def test_a_fault_while_starting_is_told_in_words(drive):
    drive = drive({'restarts': 0}, faults=['building'])
    drive.until(lambda: drive.worker.status.condition == 'failed')
    assert 'OSError: no such device (standin.py:' in drive.worker.status.text


@THREAD
def test_a_learner_that_loses_its_snapshot_starts_from_the_frozen_weights(drive):
    drive = drive({'restarts': 9}, faults=['exception'], after=2)
    drive.until(lambda: drive.worker.status.restarts >= 3)
    faults = [index for index, event in enumerate(drive.worker.status.events) if event.kind == 'fault']
    assert len(faults) >= 3
    later = drive.turns[drive.turns.index(2):]  # of a new life, the first may come between two frames
    assert drive.turns[0] == 0 and min(later) < 2 == max(later), 'a learner went on from what was lost'


def at_rest(drive) -> int:
    """The version once it stays for 60 frames; a busy machine gives out late what was begun before a pause."""
    seen: list[int] = []
    drive.until(lambda: seen.append(drive.worker.status.version) or (len(seen) > 60 and len(set(seen[-60:])) == 1))
    return seen[-1]


def test_a_pause_stops_the_steps_but_neither_rollback_nor_reset(drive):
    drive = drive()
    drive.until(lambda: drive.worker.status.version >= 2)
    for stop, go in (('pause', 'resume'), (True, False)):
        ask = drive.worker.ask if stop == 'pause' else drive.worker.rest
        ask(stop)
        drive.until(lambda: drive.worker.status.condition == 'paused')
        version = at_rest(drive)
        ask(go)
        drive.until(lambda v=version: drive.worker.status.version > v + 1)
    drive.worker.ask('pause')
    drive.until(lambda: drive.worker.status.condition == 'paused')
    at_rest(drive)
    for request, turn in (('rollback', drive.turns[-1] - 1), ('reset', 0)):
        version = drive.engine.weights_version
        drive.worker.ask(request)
        drive.until(lambda v=version: drive.engine.weights_version == v + 1)
        assert drive.turns[-1] == turn


@THREAD
def test_a_pause_outlives_the_learner(drive, tmp_path):
    drive = drive(faults=['exception'], after=2, lives=str(tmp_path / 'lives'))
    drive.until(lambda: drive.worker.status.condition == 'restarting' or drive.worker.status.restarts)
    drive.worker.ask('pause')
    drive.until(lambda: drive.worker.status.condition == 'paused')
    version = drive.worker.status.version
    drive.frames(20)
    assert drive.worker.status.version == version


def spoken(status) -> bool:
    """Whether what is told is what the adapter says."""
    return status.version >= 1 and status.text == status.adaptation.why


@PROCESS
def test_a_learner_that_starves_is_told_from_one_that_hangs_and_is_left_alone(drive, monkeypatch):
    """Silent, but willing to run and given next to no time: what SCHED_IDLE means beside other work."""
    drive = drive({'heartbeat_s': 0.5}, beat_s=3.0)
    monkeypatch.setattr(pulse, 'activity', lambda stat: (True, activity(stat)[1]))
    drive.until(lambda: 'starves' in drive.worker.status.text)
    drive.until(lambda: spoken(drive.worker.status))
    assert drive.worker.status.restarts == 0


@PROCESS
def test_a_learner_whose_piece_of_work_takes_long_on_a_slow_computer_is_left_alone_while_it_computes(drive):
    drive = drive({'heartbeat_s': 0.3}, work_s=1.5)
    drive.until(lambda: 'the learner is slow' in drive.worker.status.text)
    drive.until(lambda: spoken(drive.worker.status))
    assert drive.worker.status.restarts == 0


@PROCESS
def test_a_learner_in_an_endless_loop_is_ended_at_last(drive, tmp_path):
    drive = drive({'heartbeat_s': 0.3}, faults=['loop'], lives=str(tmp_path / 'lives'))
    drive.until(lambda: drive.worker.status.restarts == 1 and drive.worker.status.version >= 1, 110)
    assert 'the learner hangs: not a word for' in told(drive)


def test_a_thread_too_is_asked_what_it_has_done():
    def compute() -> None:
        while not ended.is_set():
            sum(range(10_000))
    ended = threading.Event()
    for work, words in ((compute, 'the learner is slow'), (ended.wait, '')):
        ended.clear()
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        asked = pulse.Pulse(Path(f'/proc/self/task/{thread.native_id}/stat'))
        deadline = time.monotonic() + 60
        while not (excuse := asked.excuse(0.3)).startswith(words) or bool(excuse) != bool(words):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        ended.set()
        thread.join()


@pytest.mark.parametrize('command, runnable', [('while True: pass', True), ('import time; time.sleep(99)', False)])
def test_the_kernel_is_asked_whether_a_process_would_run(command, runnable):
    child = subprocess.Popen([sys.executable, '-c', command])
    try:
        deadline = time.monotonic() + 20
        while True:
            would, used_s = activity(Path(f'/proc/{child.pid}/stat').read_text())
            if (would, used_s > 0.3) == (runnable, runnable) or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        assert would == runnable and (used_s > 0.3) == runnable
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize('rank, policy, nice', [('idle', os.SCHED_IDLE, 0), ('nice', os.SCHED_OTHER, 19),
                                                ('normal', os.SCHED_OTHER, 0)])
@PROCESS
def test_the_process_takes_the_rank_that_is_asked_for_before_it_loads_anything(drive, rank, policy, nice):
    pid_of, own = drive({'rank': rank}).worker, os.nice(0)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        pid = pid_of.status.pid
        if pid and (os.sched_getscheduler(pid), os.getpriority(os.PRIO_PROCESS, pid)) == (policy, min(19, own + nice)):
            return
        time.sleep(0.05)
    raise AssertionError(pid_of.status)


def stopped(pid: int, within_s: float = 5.0) -> bool:
    """A signal takes its time."""
    deadline = time.monotonic() + within_s
    while not (found := Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] == 'T'):
        if time.monotonic() > deadline:
            break
        time.sleep(0.005)
    return found


@pytest.mark.parametrize('give_way', ['always', 'never'])
@PROCESS
def test_the_process_stands_still_while_a_frame_is_segmented_if_it_shall_and_goes_on_after_it(drive, monkeypatch, give_way):
    drive = drive({'give_way': give_way}, beat_s=0.01)
    drive.until(lambda: drive.worker.status.version >= 1)
    pid, batch, meanwhile = drive.worker.status.pid, drive.engine.batch, []

    def slow(frames, **options):
        meanwhile.append(stopped(pid, 5.0 if give_way == 'always' else 0.1))
        return batch(frames, **options)
    monkeypatch.setattr(drive.engine, 'batch', slow)
    version = drive.worker.status.version
    drive.until(lambda: drive.worker.status.version > version + 3)
    assert set(meanwhile) == {give_way == 'always'}
    assert drive.worker.status.restarts == 0


@PROCESS
def test_a_frame_that_cannot_be_segmented_leaves_the_process_going(drive):
    drive = drive({'give_way': 'always'})
    drive.until(lambda: drive.worker.status.version >= 1)
    with pytest.raises(ZeroDivisionError), drive.worker.giving_way():
        raise ZeroDivisionError
    version, deadline = drive.worker.status.version, time.monotonic() + 30
    while drive.worker.status.version < version + 2:
        assert time.monotonic() < deadline, drive.worker.status
        drive.worker.offer(Frame(drive.image, time.monotonic_ns()))
        time.sleep(0.01)


@PROCESS
def test_a_learner_that_is_killed_while_it_stands_still_is_replaced(drive):
    drive = drive({'give_way': 'always'})
    drive.until(lambda: drive.worker.status.version >= 1)
    pid = drive.worker.status.pid
    with drive.worker.giving_way():
        assert stopped(pid)
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while drive.worker.status.restarts == 0 and drive.worker.status.condition != 'restarting':
            assert time.monotonic() < deadline, drive.worker.status
            time.sleep(0.01)
    version = drive.worker.status.version
    drive.until(lambda: drive.worker.status.version > version + 1)
    assert 'killed by SIGKILL' in told(drive)


@PROCESS
def test_beside_a_camera_without_pauses_the_process_still_gets_its_share_of_the_time(drive):
    drive = drive({'give_way': 'always', 'heartbeat_s': 30.0})
    drive.until(lambda: drive.worker.status.version >= 1)
    pid, still, begin_s = drive.worker.status.pid, 0.0, time.monotonic()
    while (seconds := time.monotonic() - begin_s) < 8.0:
        frame_s = time.monotonic()
        with drive.worker.giving_way():
            time.sleep(0.1)
            still += (time.monotonic() - frame_s) * stopped(pid, 0.0)
    assert 0.5 < still / seconds < 0.95


@PROCESS
def test_a_silent_learner_that_stands_still_for_a_frame_is_not_taken_for_one_that_hangs(drive):
    drive = drive({'heartbeat_s': 0.5, 'give_way': 'always'})
    drive.until(lambda: drive.worker.status.version >= 1)
    with drive.worker.giving_way():
        deadline = time.monotonic() + 20
        while 'starves' not in drive.worker.status.text:
            assert time.monotonic() < deadline, drive.worker.status
            time.sleep(0.05)
    drive.until(lambda: spoken(drive.worker.status))
    assert drive.worker.status.restarts == 0


@pytest.mark.parametrize('give_way, processors, stands_still', [
    ('auto', PLENTY - 1, True), ('auto', PLENTY, False), ('always', 64, True), ('never', 1, False)])
def test_by_itself_a_learner_gives_way_only_where_it_cannot_have_a_core_of_its_own(monkeypatch, give_way, processors,
                                                                                  stands_still):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: set(range(processors)))
    assert Terms(give_way=give_way).gives_way == stands_still


@THREAD
def test_a_learner_computes_no_more_than_its_share_of_the_time(drive):
    begin_s = time.monotonic()
    drive = drive({'max_duty': 0.2}, beat_s=0.1)
    drive.until(lambda: drive.worker.status.version >= 4)
    assert time.monotonic() - begin_s > 3 * 0.1 / 0.2


@pytest.mark.gpu
def test_on_a_gpu_the_learner_works_on_a_stream_that_lets_frames_pass():
    import torch
    with thread_worker._stream('cuda'):
        assert torch.cuda.current_stream().priority > URGENT
        assert torch.cuda.current_stream() != torch.cuda.default_stream()


def test_on_a_cpu_streams_are_left_alone(tiny_bundle):
    with thread_worker._stream('cpu'):
        assert Engine(Bundle.load(tiny_bundle), device='cpu')._stream is None


@pytest.mark.gpu
def test_on_a_gpu_too_masks_are_those_of_whole_versions(drive):
    drive = drive(device='cuda')
    drive.until(lambda: drive.worker.status.version >= 50 and drive.turns[-1] >= 8)
    assert drive.worker.status.restarts == 0 and drive.worker.status.condition == 'running'


@pytest.mark.parametrize('wanted, device, backend', [
    ('auto', 'cpu', 'process'), ('auto', 'cuda:0', 'thread'), ('thread', 'cpu', 'thread'), ('process', 'cuda', 'process')])
def test_the_backend_is_the_one_that_leaves_inference_alone_on_this_device(wanted, device, backend):
    assert choose_backend(wanted, device) == backend
