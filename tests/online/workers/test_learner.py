"""The learner's loop itself, in this thread: what it keeps, and when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from uda_seg_ros.online.factory import Factory
from uda_seg_ros.online.learner import Learner, Start
from uda_seg_ros.online.messages import Ask, Closed, Dropped, Happened, Outdated, Snapshot
from uda_seg_ros.online.persistence import read, unpack
from uda_seg_ros.online.worker import Terms
from uda_seg_ros.structures import Frame, Weights

from .standin import METHOD

PICTURE = Frame(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8), 1)


class Script:
    """A keeper that says one thing after the other, then good-bye. says: messages, or functions to call meanwhile."""

    def __init__(self, says: list) -> None:
        self._says, self.heard = list(says), []

    def send(self, message) -> None:
        self.heard.append(message)

    def receive(self, timeout_s: float):
        if not self._says:
            raise Closed
        says = self._says.pop(0)
        return says() if callable(says) else says


class Dropping(Script):
    """A keeper that has given the learner up when that wants to save."""

    def send(self, message) -> None:
        if isinstance(message, Snapshot):
            raise Dropped
        super().send(message)


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / 'kept' / 'adapted.safetensors'


@pytest.fixture
def learn(tiny_bundle, file) -> Callable[..., list]:
    """learn(says): what a learner says to that until it is closed. Unasked it keeps only its first weights, and the last."""
    def learn(says: list, link: type[Script] = Script, **settings) -> list:
        script = link(says)
        learner = Learner(script, Factory(tiny_bundle, METHOD, settings), Terms(autosave_s=1e9, file=file))
        with pytest.raises(Closed):
            learner.begin(Start())
            learner.run()
        return script.heard
    return learn


@pytest.fixture
def anchor(tiny_bundle) -> str:
    return Factory(tiny_bundle).anchor()


REVERT = {'faults': ['revert'], 'after': 3}


@pytest.mark.parametrize('says, settings, turn', [
    (Ask('reset'), {}, 0), (Ask('rollback'), {}, 2), (PICTURE, REVERT, 2)], ids=['reset', 'rollback', 'revert of its own'])
def test_what_is_kept_is_renewed_at_once_when_something_is_taken_back(learn, anchor, file, says, settings, turn):
    kept = []
    heard = learn([PICTURE, PICTURE, PICTURE, lambda: kept.append(read(file, anchor)), says,
                   lambda: kept.append(read(file, anchor))], **settings)
    assert [saved.state['turn'] for saved in kept] == [1, turn]
    kinds = [type(message) for message in heard if isinstance(message, (Outdated, Weights, Snapshot))]
    assert kinds == [Weights, Snapshot, Weights, Weights, Outdated, Weights, Snapshot], 'the keeper could go on from before'
    last = [message for message in heard if isinstance(message, Snapshot)][-1]
    assert unpack(last.content, anchor, '').state['turn'] == turn


def test_what_is_kept_is_renewed_at_once_when_other_weights_are_loaded(learn, anchor, file, tmp_path):
    kept, other = [], tmp_path / 'other.safetensors'
    learn([PICTURE, PICTURE, Ask('save', other), PICTURE, Ask('load', other), lambda: kept.append(read(file, anchor))])
    assert kept[0].state['turn'] == 2


def test_where_what_is_taken_back_cannot_be_renewed_it_is_gone(learn, file, monkeypatch):
    left = []

    def full(*_):
        raise OSError(28, 'No space left on device')
    learn([PICTURE, PICTURE, lambda: monkeypatch.setattr('uda_seg_ros.storage.whole_file.os.fsync', full), Ask('reset'),
           lambda: left.append(file.exists())])
    assert left == [False]


def test_a_file_that_is_loaded_stays_where_it_cannot_be_renewed(learn, file, monkeypatch):
    def full(*_):
        raise OSError(28, 'No space left on device')
    left = []
    learn([PICTURE, PICTURE, lambda: monkeypatch.setattr('uda_seg_ros.storage.whole_file.os.fsync', full), Ask('load', file),
           lambda: left.append(file.exists())])
    assert left == [True]


def test_what_could_not_be_saved_is_saved_later(learn, anchor, file):
    def make_room() -> None:
        file.parent.unlink()
    file.parent.write_text('a file where the folder should be')
    heard = learn([PICTURE, make_room])
    assert 'cannot be written' in next(message for message in heard if isinstance(message, Happened)).text
    assert read(file, anchor).state['turn'] == 1


def test_a_learner_that_is_given_up_while_it_saves_leaves_no_file(learn, file):
    learn([PICTURE, None], Dropping)
    assert not file.exists()


def test_frozen_weights_are_not_saved_as_learned_ones_on_request(learn, tmp_path):
    untouched, learned, reset = (Ask('save', tmp_path / name) for name in 'abc')
    heard = learn([untouched, PICTURE, learned, Ask('reset'), reset])
    assert [message.kind for message in heard if isinstance(message, Happened)] == ['refused', 'saved', 'refused']
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ['b']
