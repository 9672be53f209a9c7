"""What follows from trials, refusals and rollbacks: nothing that a trial found worse than the frozen network stays."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from uda_seg_ros.online import agenda
from uda_seg_ros.online.adapter import Adapter
from uda_seg_ros.online.gate import FLOOR, FROZEN, LEARNER, judge_floor
from uda_seg_ros.online.serving import Serving
from uda_seg_ros.online.settings import FloorSettings
from uda_seg_ros.online.trial import Trial
from uda_seg_ros.structures import Frame

from .conftest import QUICK, SECOND, clear, drive, fog, foggy, says


def floor_trial(share: float, frozen: float, right: float) -> Trial:
    """Eight crops of 100 pixels of two classes; frozen, right: parts of them that are right without and with the share."""
    trial = Trial(FLOOR, {FROZEN: {}, FLOOR: {}}, {'restyled': [FROZEN, FLOOR]}, range(8), [], (),
                  {'share': share, 'fall': 0.2})
    for name, part in ((FROZEN, frozen), (FLOOR, right)):
        hits = round(50 * part)
        trial.confusions['restyled', name] = [np.array([[hits, 50 - hits, 0], [50 - hits, hits, 0]])] * 8
    return trial


@pytest.mark.parametrize(('frozen', 'right', 'valid'), [(0.7, 0.8, True), (0.8, 0.7, True), (0.8, 0.4, False)])
def test_labelled_crops_may_speak_against_a_share_but_need_not_speak_for_it(frozen, right, valid):
    assert judge_floor(floor_trial(0.5, frozen, right), FloorSettings(most_loss=0.5)).valid == valid


def test_a_share_that_no_labelled_pixel_judged_is_refused():
    trial = floor_trial(0.5, 0.8, 0.8)
    trial.confusions = {key: [0 * matrix for matrix in matrices] for key, matrices in trial.confusions.items()}
    verdict = judge_floor(trial, FloorSettings())
    assert not verdict.valid and 'no crop of the trial has a labelled pixel' in verdict.text


def end_trial(adapter: Adapter, trial: Trial):
    adapter.trial = trial
    trial._position = len(trial._items)
    return adapter._concluded()


@pytest.mark.parametrize('scale', [0.0, 1.0])
def test_statistics_found_worse_than_frozen_leave_service_and_no_rollback_brings_them_back(bundle, in_fog, scale):
    adapter = in_fog
    adapter.served.now = Serving(scale, 0.5, adapter.learner.parameters(), adapter.floor.buffers(0.5))
    given = end_trial(adapter, floor_trial(0.5, 0.8, 0.4))
    assert all(torch.equal(given.tensors[name], bundle.tensors[name]) for name in adapter.floor.buffers(0.0))
    assert (adapter.status.share, adapter.status.scale) == (0, scale), 'learned weights were not in that trial'
    assert adapter.status.events[-1].kind == 'return'
    assert adapter.rollback() and adapter.served.now.is_frozen


def test_a_share_that_was_refused_is_not_served_and_its_next_trial_waits(in_fog):
    adapter = in_fog
    adapter.serve(Serving())
    adapter.clock.begin('floor')
    assert end_trial(adapter, floor_trial(0.5, 0.8, 0.4)) is None and adapter.served.now.is_frozen
    assert 'refused' in adapter.status.why and adapter.patience.wait_s(0.5, adapter.course.shift) == 10


def test_a_share_that_is_served_is_confirmed_by_its_trial(in_fog):
    adapter = in_fog
    adapter.serve(Serving(0.0, 0.5, {}, adapter.floor.buffers(0.5)))
    after(adapter, 60)
    assert end_trial(adapter, floor_trial(0.5, 0.8, 0.8)) is None
    assert adapter.clock.since('valid') == 0 and adapter.served.now.share == 0.5


def test_a_trial_of_statistics_confirms_no_learned_weights(in_fog):
    adapter = learned(in_fog)
    adapter.clock.begin('valid')
    after(adapter, 60)
    end_trial(adapter, floor_trial(0.5, 0.8, 0.8))
    assert adapter.clock.since('valid') == 60


def test_a_larger_share_that_loses_its_trial_leaves_the_smaller_one_in_service(in_fog):
    adapter = in_fog
    adapter.serve(Serving(0.0, 0.25, {}, adapter.floor.buffers(0.25)))
    assert end_trial(adapter, floor_trial(0.5, 0.8, 0.4)) is None and adapter.status.share == 0.25
    assert adapter.patience.wait_s(0.5, adapter.course.shift) == 10 and adapter.patience.wait_s(0.25, 0.0) == 0


def test_what_the_pictures_no_longer_want_is_not_served_by_a_trial_it_won(in_fog):
    adapter = in_fog
    adapter.serve(Serving())
    says(adapter, -0.1, -0.1)
    assert end_trial(adapter, floor_trial(0.25, 0.8, 0.9)) is None and adapter.served.now.is_frozen


def test_a_candidate_whose_trial_was_dropped_is_tried_again(in_fog):
    adapter = in_fog
    adapter.course.enter('adapt')
    adapter.sureness.restart()
    adapter.clock.begin('floor')
    adapter.candidacy.tried, adapter.learner.left = -1000, 0
    adapter.trial = agenda.next_trial(adapter)
    assert adapter.trial.kind == LEARNER and not agenda.gate_due(adapter)
    adapter.drop_trial()
    assert adapter.trial is None and agenda.gate_due(adapter)


def learned(adapter: Adapter, change=lambda parameters: None) -> Adapter:
    """Holds, and serves weights at the share 0.5 for a teacher's: the frozen ones, so that chance has no part in reviews."""
    teacher = {name: tensor.clone() for name, tensor in adapter.anchor.network.named_parameters()}
    change(teacher)
    adapter.serve(Serving(1.0, 0.5, teacher, adapter.floor.buffers(0.5)))
    adapter.trial = None
    adapter.hold('told to')
    adapter.clock.begin('floor')
    return adapter


def after(adapter: Adapter, seconds: float) -> None:
    adapter.clock.now_ns += int(seconds * SECOND)
    adapter.journal.now_ns = adapter.clock.now_ns
    adapter.clock.begin('floor')


def review(adapter: Adapter) -> list:
    """Weights given out until the review is over."""
    after(adapter, adapter.settings.gate.review_s)
    given = [adapter.update()]
    while adapter.trial:
        given.append(adapter.update())
    return [weights for weights in given if weights]


def spoiled(parameters) -> None:
    parameters['classifier.3.bias'] = torch.tensor([6.0, 0, 0, 0])


def test_what_is_served_is_reviewed_every_minute_while_nothing_is_trained(in_fog):
    adapter = learned(in_fog)
    assert not agenda.review_due(adapter) and not adapter._has_more()
    served = adapter.served.now
    assert review(adapter) == [] and adapter.served.now is served and 'stood a review' in adapter.status.why
    assert adapter.clock.since('valid') == 0 and adapter.course.state == 'hold' and not agenda.review_due(adapter)


def test_what_does_not_stand_its_review_goes_and_the_student_learns_again(in_fog):
    adapter = learned(in_fog, spoiled)
    given = review(adapter)
    assert len(given) == 1 and (adapter.status.scale, adapter.status.share) == (0, 0.5)
    assert adapter.course.state == 'adapt' and agenda.may_train(adapter)
    assert 'did not stand a review' in adapter.status.events[-1].text and adapter.status.rollbacks == 1


def test_without_learned_weights_or_beside_training_there_is_no_review(in_fog):
    adapter = learned(in_fog)
    after(adapter, 61)
    assert agenda.review_due(adapter)
    adapter.course.enter('adapt')
    assert not agenda.review_due(adapter)
    adapter.course.enter('hold')
    adapter.served.now = dataclasses.replace(adapter.served.now, scale=0.0)
    assert not agenda.review_due(adapter)


def test_after_a_rollback_in_hold_the_student_learns_again(in_fog):
    adapter = learned(in_fog)
    adapter.learner.rate = 0.0
    adapter.revert('found bad')
    assert adapter.course.state == 'adapt' and agenda.may_train(adapter) and adapter.learner.rate > 0


def test_each_kind_of_trial_takes_both_halves_of_the_gate_set_in_turn(in_fog):
    adapter = in_fog
    halves = {FLOOR: [], LEARNER: []}
    for _ in range(4):
        for kind in halves:
            adapter.clock.begin('floor')
            adapter.sureness.restart()
            if kind == FLOOR:
                adapter.clock.drop('floor')
            adapter.candidacy.tried = -1000
            trial = agenda.next_trial(adapter)
            assert trial.kind == kind
            crops = {number for part, number in trial._items if part == 'restyled'}
            halves[kind].append({number % 2 for number in crops})
    for each in halves.values():
        assert each[0] != each[1] and each == [each[0], each[1]] * 2 and all(len(half) == 1 for half in each)


def test_what_expires_ends_the_trial_that_compares_with_it(in_fog):
    adapter = in_fog
    adapter.clock.begin('floor')
    adapter.candidacy.tried = -1000
    adapter.trial = agenda.next_trial(adapter)
    more = adapter.served.now
    adapter.clock.now_ns += 301 * SECOND
    given = adapter.observe(Frame(foggy(1, 1400)[0], 30 * SECOND))
    assert given and adapter.trial is None and adapter.served.now.share < more.share
    adapter.rollback()
    assert adapter.served.now.is_frozen, 'a rollback led to more of what nothing confirmed'


def test_rollbacks_that_were_asked_for_never_lock_adaptation(in_fog):
    adapter = in_fog
    for _ in range(5):
        adapter.rollback()
    assert adapter.course.state == 'adapt' and adapter.status.rollbacks == 5
    for _ in range(2):
        adapter.revert('found bad')
    assert adapter.course.state == 'adapt'
    adapter.revert('found bad')
    assert adapter.course.state == 'safe'


def test_scale_and_share_are_told_apart(in_fog):
    adapter = in_fog
    adapter.serve(Serving(0.5, 0.25, adapter.learner.parameters(), adapter.floor.buffers(0.25)))
    assert (adapter.status.scale, adapter.status.share) == (0.5, 0.25)


def test_what_was_learned_at_another_size_is_left_and_everything_runs_at_the_size_of_now(bundle, fog_state):
    adapter = Adapter(bundle, QUICK, size=(32, 64))
    adapter.load_state_dict(fog_state)
    version = adapter.status.version
    given = adapter.observe(Frame(clear(1)[0], 100 * SECOND))
    assert given.version == version + 1
    assert all(torch.equal(given.tensors[name], tensor) for name, tensor in bundle.tensors.items())
    assert '96x64 pixels' in adapter.status.why and adapter.status.events[-1].text == adapter.status.why
    drive(adapter, clear(20, 310), 101, pieces=8)
    assert adapter.eye.size == (32, 64) and adapter.eye.normal is not None and adapter.course.state != 'calibrate'
    assert all(picture.shape == (32, 64, 3) for picture in adapter.memory.recent)


def test_what_was_learned_at_the_same_size_goes_on(in_fog):
    assert not in_fog.served.now.is_frozen
    drive(in_fog, [fog(image) for image in clear(2, 1500)], 26, pieces=0)
    assert not in_fog.served.now.is_frozen and in_fog.eye.size == (64, 96)
