"""What a keeper goes on from when something was asked to be taken back and its learner dies over that."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from uda_seg_ros.online.factory import Factory
from uda_seg_ros.online.keeper import Keeper
from uda_seg_ros.online.messages import Ask, Closed, Outdated, Report, Snapshot
from uda_seg_ros.online.status import AdaptationStatus
from uda_seg_ros.online.worker import Terms
from uda_seg_ros.structures import Weights

from .standin import METHOD

REPORT = Report(AdaptationStatus('adapt', 'well'), hungry=False, frames=0)
PROCESS = pytest.mark.parametrize('backend', ['process'], indirect=True)


class Played:
    """A learner that says what the test has it say, and that ends when the test says Closed."""

    pid = None

    def __init__(self, start) -> None:
        self.start, self.told, self._said = start, [], deque()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK)

    def say(self, *messages) -> None:
        self._said.extend((*messages, REPORT))  # as after every piece of work
        os.eventfd_write(self._bell, 1)

    def fileno(self) -> int:
        return self._bell

    def send(self, message) -> bool:
        self.told.append(message)
        return True

    def receive(self) -> list:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        messages = [self._said.popleft() for _ in range(len(self._said))]
        if Closed in messages:
            raise Closed
        return messages

    def excuse(self, limit_s: float) -> str:
        return 'it is played'

    def ended(self) -> str:
        return 'it was played to its end'

    def kill(self) -> None:
        pass

    def part(self, timeout_s: float) -> list:
        return []


@pytest.fixture
def stage(tiny_bundle, tmp_path):
    """A keeper with learners that the test plays: the last one that began, and `until`."""
    lives: list[Played] = []

    class Playing(Keeper):
        backend = 'thread'

        def _launch(self, start) -> Played:
            lives.append(Played(start))
            return lives[-1]
    file = tmp_path / 'adapted.safetensors'
    keeper = Playing(Factory(tiny_bundle, METHOD), Terms(file=file, back_off_s=0.0), lambda weights: weights)
    yield SimpleNamespace(keeper=keeper, lives=lives, file=file)
    keeper.close()


def until(reached: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def begun(stage) -> Played:
    """A learner that has given weights and what to keep, and has that in its file."""
    until(lambda: stage.lives)
    learner = stage.lives[0]
    stage.file.write_bytes(b'of before')
    learner.say(Weights(1, {}), Snapshot(b'of before'))
    until(lambda: stage.keeper.status.version == 1 and stage.keeper._snapshot)
    return learner


def next_start(stage):
    stage.lives[0].say(Closed)
    until(lambda: len(stage.lives) == 2)
    return stage.lives[1].start


def test_a_learner_that_dies_unasked_is_gone_on_from(stage):
    begun(stage)
    assert next_start(stage).snapshot == b'of before' and stage.file.exists()


@pytest.mark.parametrize('request_', ['reset', 'rollback'])
def test_what_is_asked_to_be_taken_back_does_not_come_back_when_the_learner_dies_before_its_answer(stage, request_):
    learner = begun(stage)
    stage.keeper.ask(request_)
    until(lambda: Ask(request_) in learner.told)
    assert not stage.file.exists()
    stage.file.write_bytes(b'of before')  # it was about to keep that just then
    learner.say(Weights(2, {}), Snapshot(b'of before'))
    until(lambda: stage.keeper.status.version == 2)
    start = next_start(stage)
    assert start.snapshot is None and start.anchored and not stage.file.exists()


def test_what_was_kept_after_the_answer_is_gone_on_from(stage):
    learner = begun(stage)
    stage.keeper.ask('rollback')
    until(lambda: Ask('rollback') in learner.told)
    stage.file.write_bytes(b'after it')
    learner.say(Outdated(asked=True), Weights(2, {}), Snapshot(b'after it'))
    until(lambda: stage.keeper._snapshot == b'after it')
    assert next_start(stage).snapshot == b'after it' and stage.file.read_bytes() == b'after it'


def test_what_a_learner_takes_back_of_its_own_does_not_come_back_when_it_dies_just_then(stage):
    learner = begun(stage)
    learner.say(Outdated(asked=False), Weights(2, {}))
    until(lambda: stage.keeper.status.version == 2)
    start = next_start(stage)
    assert start.snapshot is None and start.anchored


def test_what_is_asked_to_be_taken_back_while_no_learner_runs_is_not_given_to_the_next_one(stage):
    begun(stage)
    stage.keeper._terms = Terms(file=stage.file, restarts=0)
    stage.lives[0].say(Closed)
    until(lambda: stage.keeper.status.condition == 'failed')
    stage.keeper.ask('reset')
    until(lambda: len(stage.lives) == 2)
    assert stage.lives[1].start.snapshot is None and not stage.file.exists()


@PROCESS
def test_a_reset_that_the_end_of_the_node_overtakes_holds_at_its_next_start(drive, tmp_path):
    """The learner is in the midst of a piece of work, and does not come to it any more."""
    file = tmp_path / 'adapted.safetensors'
    drive = drive({'file': file})
    drive.until(lambda: drive.worker.status.version >= 1 and file.exists())
    os.kill(drive.worker.status.pid, signal.SIGSTOP)
    drive.worker.ask('reset')
    drive.worker.close()
    assert drive.worker.status.condition == 'closed' and not file.exists()


@PROCESS
def test_a_reset_just_before_the_end_of_the_node_is_done_and_kept(drive, tmp_path):
    file = tmp_path / 'adapted.safetensors'
    drive = drive({'file': file, 'autosave_s': 1e9})
    drive.until(lambda: drive.worker.status.version >= 2 and file.exists())
    drive.worker.ask('pause')
    drive.until(lambda: drive.worker.status.condition == 'paused')
    drive.worker._asked.append(Ask('reset'))  # as ask() does, but the keeper hears of it only at the end
    drive.worker.close()
    assert drive.worker._unanswered == 0 and file.exists()
