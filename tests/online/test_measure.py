"""How much is served, and how often it is tried, follow the shift."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from uda_seg_ros.online import following
from uda_seg_ros.online.adapter import Adapter
from uda_seg_ros.online.patience import Patience
from uda_seg_ros.online.serving import Serving
from uda_seg_ros.online.settings import FloorSettings, WatchSettings
from uda_seg_ros.online.shift_score import Score
from uda_seg_ros.online.watch import Watch, common

from .conftest import QUICK, clear, drive, foggy, says

SETTINGS = FloorSettings(shares=(0.25, 0.5), per_shift=0.25, refresh_s=10.0, longer=3)


@pytest.mark.parametrize(('shift', 'shares'), [
    (0.0, (0.25,)), (1.0, (0.25,)), (1.9, (0.25,)), (2.0, (0.25, 0.5)), (9.0, (0.25, 0.5))])
def test_a_larger_share_of_the_target_needs_a_larger_shift(shift, shares):
    assert SETTINGS.possible(shift) == shares


def test_trials_that_are_lost_come_ever_less_often_until_the_shift_moves():
    patience, waits = Patience(SETTINGS), []
    assert patience.wait_s(0.25, 2.0) == 0
    for _ in range(6):
        patience.tried(0.25, 2.0, 0, won=False)
        waits.append(patience.wait_s(0.25, 2.0))
    assert waits == [10, 20, 40, 80, 80, 80]
    assert patience.wait_s(0.25, 5.5) == 10 == patience.wait_s(0.25, 2.0) / 8
    patience.tried(0.5, 2.0, 0, won=True)
    assert patience.wait_s(0.25, 2.0) == 80, 'another share won'
    patience.tried(0.25, 2.0, 0, won=True)
    assert patience.wait_s(0.25, 2.0) == 0
    patience.taken_back(2.0, asked=False)
    soon = patience.wait_s(0.25, 2.0)
    patience.taken_back(2.0, asked=True)
    assert (soon, patience.wait_s(0.25, 2.0)) == (10, 80)


def shifted(adapter: Adapter, score: float) -> None:
    adapter.course._scores.clear()
    adapter.course._scores.extend([Score(score, 1.0, 'image')] * 4)


def follow(adapter: Adapter, score: float):
    """What is given out three seconds later, at a shift score."""
    shifted(adapter, score)
    adapter.clock.now_ns += 3_000_000_000
    return following.follow(adapter, False)


def test_learned_weights_are_served_in_proportion_to_what_is_left_of_their_shift(bundle, in_fog):
    adapter = in_fog
    adapter.course.enter('adapt')
    teacher = {name: tensor + 0.1 for name, tensor in adapter.learner.parameters().items()}
    adapter.serve(Serving(0.5, 0.0, teacher, {}, passed=0.5, shift=8.0))
    name = next(iter(teacher))
    for score, scale in ((2.0, 0.125), (6.0, 0.375), (20.0, 0.5)):
        says(adapter, -1.0, -1.0)
        given = follow(adapter, score)
        assert adapter.status.scale == scale
        assert torch.allclose(given.tensors[name], bundle.tensors[name].lerp(teacher[name], scale))
    says(adapter, -1.0, -1.0)
    assert follow(adapter, 19.0) is None, 'nothing changed'


def test_learned_weights_that_were_taken_back_do_not_return_with_their_shift(in_fog):
    adapter = in_fog
    adapter.course.enter('adapt')
    adapter.serve(Serving(0.5, 0.25, adapter.learner.parameters(), adapter.floor.buffers(0.25), passed=0.5, shift=2.0))
    adapter.revert('did not stand a review', adapter.served.now.without_teacher())
    for score in (1.5, 8.0):
        says(adapter, 0.3, 0.3)
        follow(adapter, score)
        assert (adapter.status.scale, adapter.status.share) == (0.0, 0.25)


def test_a_share_that_is_too_much_for_the_shift_becomes_smaller(in_fog):
    adapter = in_fog
    adapter.course.enter('adapt')
    adapter.serve(Serving(0.0, 0.5, {}, adapter.floor.buffers(0.5)))
    says(adapter, 0.3, 0.6)
    given = follow(adapter, 1.2)
    assert adapter.status.share == 0.25
    assert all(torch.equal(given.tensors[name], tensor) for name, tensor in adapter.floor.buffers(0.25).items())


def test_statistics_are_the_same_whatever_share_is_served(bundle):
    found = []
    for share in (0.0, 0.25, 0.5):
        adapter = Adapter(bundle, dataclasses.replace(QUICK, training=dataclasses.replace(QUICK.training, on=False)))
        drive(adapter, clear(3), pieces=40)
        adapter.course.enter('adapt')
        adapter.served.now = Serving(0.0, share, {}, adapter.floor.buffers(0.0))
        drive(adapter, foggy(6), 3, pieces=0)
        found.append(adapter.floor.buffers(0.5))
    assert all(torch.equal(each[name], found[0][name]) for each in found for name in found[0])


def test_the_watch_cares_for_common_classes_and_not_for_one_the_source_hardly_shows():
    reference, served = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
    reference[0] = 3
    pixels = torch.tensor([[500, 300, 198, 2], [500, 300, 198, 2]])
    assert common(pixels) == {0, 1, 2}
    assert not any(Watch(WatchSettings(), common(pixels)).look(served, reference, 4) for _ in range(5))
    careful = Watch(WatchSettings(), frozenset(range(4)))
    assert [bool(careful.look(served, reference, 4)) for _ in range(3)] == [False, False, True]
