"""How sure the network is of the target's own pictures says which share of their statistics is served."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from uda_seg_ros.online import agenda
from uda_seg_ros.online.adapter import Adapter
from uda_seg_ros.online.decisions import conclude
from uda_seg_ros.online.following import compare_statistics, follow, measure
from uda_seg_ros.online.gate import floor_trial
from uda_seg_ros.online.serving import Serving
from uda_seg_ros.online.settings import FloorSettings
from uda_seg_ros.online.sureness import Sureness
from uda_seg_ros.structures import Frame, Weights

from .conftest import QUICK, clear, drive, foggy, says

SETTINGS = FloorSettings(looks=4, fewest=3, steady=5, least_fall=0.1, kept_fall=0.04, more_fall=0.1)


def looked(*falls: tuple[float, float], served: float = 0.0) -> Sureness:
    """At pictures on which the shares 0.25 and 0.5 make the doubt fall by such parts. served: the share that is."""
    sureness = Sureness(SETTINGS)
    for quarter, half in falls:
        sureness.add(0.4, {0.25: 0.4 * (1 - quarter), 0.5: 0.4 * (1 - half)}, served)
    return sureness


@pytest.mark.parametrize(('falls', 'present', 'wanted'), [
    ([], 0.0, 0.0), ([(0.3, 0.6)] * 2, 0.0, 0.0), ([(-0.3, -0.6)] * 2, 0.5, 0.5),  # too few looks: all stays
    ([(0.05, 0.05)] * 3, 0.0, 0.0), ([(0.12, 0.15)] * 3, 0.0, 0.25), ([(0.12, 0.23)] * 3, 0.0, 0.25),
    ([(0.05, 0.2)] * 3, 0.0, 0.25), ([(0.12, -0.3)] * 3, 0.0, 0.25),  # one step at a time
    ([(0.12, 0.23)] * 4, 0.25, 0.25), ([(0.12, 0.23)] * 5, 0.25, 0.5), ([(0.12, 0.2)] * 5, 0.25, 0.25),
    ([(0.05, 0.05)] * 3, 0.25, 0.25), ([(0.02, 0.05)] * 3, 0.25, 0.0),  # given up later than taken
    ([(0.12, 0.18)] * 3, 0.5, 0.5), ([(0.12, 0.15)] * 3, 0.5, 0.25), ([(-0.1, -0.4)] * 3, 0.5, 0.0),
    ([(-0.5, -0.5), (0.2, 0.2), (0.2, 0.2), (0.2, 0.2), (0.2, 0.2)], 0.0, 0.25)])  # the last looks count
def test_the_share_that_makes_the_network_surer_is_wanted(falls, present, wanted):
    assert looked(*falls, served=present).wanted(present, (0.25, 0.5)) == wanted


def test_no_more_is_wanted_than_is_possible_at_this_shift():
    assert looked(*[(0.2, 0.5)] * 3).wanted(0.0, (0.25,)) == 0.25
    assert looked().wanted(0.5, (0.25,)) == 0.25 and looked().wanted(0.5, ()) == 0.0


def test_other_statistics_begin_anew_and_a_copy_goes_on():
    sureness, copy = looked(*[(0.2, 0.5)] * 5, served=0.25), Sureness(SETTINGS)
    copy.load_state_dict(sureness.state_dict())
    sureness.restart()
    assert (sureness.wanted(0.25, (0.25, 0.5)), copy.wanted(0.25, (0.25, 0.5))) == (0.25, 0.5)


def test_a_network_without_a_doubt_is_no_division_by_nothing():
    sureness = Sureness(SETTINGS)
    for _ in range(3):
        sureness.add(0.0, {0.25: 0.0, 0.5: 1e-9}, 0.0)
    assert math.isfinite(sureness.fall(0.5))


def test_statistics_that_no_longer_make_the_network_surer_leave_at_once(bundle, in_fog):
    adapter = in_fog
    adapter.serve(Serving(0.5, 0.5, adapter.learner.parameters(), adapter.floor.buffers(0.5)))
    says(adapter, 0.2, 0.22)
    assert follow(adapter, False) and (adapter.status.share, adapter.status.scale) == (0.25, 0.5)
    says(adapter, -0.1, -0.4)
    given = follow(adapter, False)
    assert (adapter.status.share, adapter.status.scale) == (0.0, 0.5)
    assert all(torch.equal(given.tensors[name], bundle.tensors[name]) for name in adapter.floor.buffers(0.0))
    assert adapter.status.events[-1].kind == 'return' and 'surer' in adapter.status.events[-1].text
    adapter.rollback()
    assert adapter.served.now.is_frozen, 'a rollback led back to what was given up'


def test_a_share_that_won_its_trial_not_long_ago_comes_back_without_another(in_fog):
    adapter = in_fog
    adapter.serve(Serving())
    adapter.trial = None
    says(adapter, 0.3, 0.3)
    for since_s, share in ((61, 0.0), (59, 0.25)):
        adapter.patience.passed = {0.25: adapter.clock.now_ns - since_s * 1_000_000_000}
        assert bool(follow(adapter, False)) == bool(share) and adapter.status.share == share
    adapter.patience.tried(0.5, 2.0, adapter.clock.now_ns, won=False)
    assert not adapter.patience.won_lately(0.25, adapter.clock.now_ns), 'crops that speak against one speak against all'


@pytest.mark.parametrize(('served', 'won_s', 'state'), [
    (0.0, None, 'adapt'), (0.0, 61, 'adapt'), (0.0, 59, 'hold'), (0.25, None, 'hold')])
def test_the_first_share_on_another_road_ends_a_pause_of_training(in_fog, served, won_s, state):
    """won_s: since a share won a trial, and may only have come and gone."""
    adapter = paused(in_fog, Serving(share=served, buffers=in_fog.floor.buffers(served)))
    adapter.patience.passed = {} if won_s is None else {0.25: adapter.clock.now_ns - won_s * 1_000_000_000}
    assert win(adapter, served + 0.25) and adapter.status.share == served + 0.25 and adapter.course.state == state
    assert (adapter.learner.left > 0, adapter.learner.rate == 1, bool(adapter.memory.train), adapter.candidacy.flat) == (
        (True, True, False, 0) if state == 'adapt' else (False, False, True, 1))
    assert ('training begins anew' in adapter.status.why) == (state == 'adapt')


def test_where_learned_weights_are_served_the_pictures_stay_that_judge_them(in_fog):
    adapter = paused(in_fog, Serving(scale=0.5, teacher=in_fog.learner.parameters()))
    adapter.patience.begin()
    held_out = adapter.memory.held_out
    assert win(adapter, 0.25) and (adapter.course.state, adapter.status.scale) == ('adapt', 0.5)
    assert held_out and adapter.memory.held_out == held_out


def test_without_training_a_first_share_begins_none(bundle, fog_state):
    adapter = Adapter(bundle, replace(QUICK, training=replace(QUICK.training, on=False)))
    adapter.load_state_dict(fog_state)
    paused(adapter, Serving()).patience.begin()
    assert win(adapter, 0.25) and not adapter.learner.left


def paused(adapter: Adapter, serving: Serving) -> Adapter:
    """Serving that, with training over and its rate at the brake."""
    adapter.serve(serving)
    adapter.drop_trial()
    adapter.hold('told to')
    adapter.learner.left, adapter.learner.rate, adapter.candidacy.flat = 0, 0.25, 1
    says(adapter, 0.2, 0.5)
    for _ in range(adapter.settings.floor.steady):
        adapter.sureness.add(1.0, {0.25: 0.8, 0.5: 0.5}, serving.share)
    return adapter


def win(adapter: Adapter, share: float) -> Weights | None:
    """A trial of that share, to its end."""
    trial = floor_trial(share, adapter.floor.buffers(share), 0.5, adapter.anchor.tensors, range(4), adapter.memory.recent)
    while not trial.done:
        trial.piece(adapter.masks, adapter.eye.gate, adapter.anchor.num_classes)
    return conclude(adapter, trial)


def test_a_share_is_tried_on_labelled_crops_before_it_is_served(in_fog):
    adapter = in_fog
    adapter.serve(Serving())
    adapter.trial = None
    says(adapter, 0.0, 0.0)
    assert not agenda.floor_due(adapter)
    says(adapter, 0.3, 0.35)
    adapter.patience.begin()
    assert agenda.floor_due(adapter)
    trial = agenda.next_trial(adapter)
    assert trial.kind == 'floor' and trial.facts['share'] == 0.25 and adapter.served.now.is_frozen


def test_the_looks_tell_a_fog_from_a_clear_day(bundle):
    adapter = Adapter(bundle, QUICK)
    drive(adapter, clear(14), pieces=40)
    drive(adapter, foggy(16), 14, pieces=40)
    in_fog = adapter.sureness.fall(0.5)
    adapter.course.enter('adapt')
    adapter.floor.restart()
    adapter.sureness.restart()
    for picture in clear(8, 900):
        adapter.eye.see(Frame(picture))
        measure(adapter, adapter.eye.last.picture)
        adapter.clock.now_ns += 2_000_000_000
        compare_statistics(adapter)
    assert in_fog > 0.1 > adapter.sureness.fall(0.5)
