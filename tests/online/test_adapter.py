"""The adapter as whoever drives it sees it: it gains in fog, leaves the normal alone, comes back exactly, never breaks."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from uda_seg_ros.metrics import confusion, mean_iou
from uda_seg_ros.online import agenda
from uda_seg_ros.online.adapter import Adapter
from uda_seg_ros.online.serving import Serving
from uda_seg_ros.online.settings import AdaptationError
from uda_seg_ros.replay import GATE, REPLAY, pack
from uda_seg_ros.runtime.engine import Engine
from uda_seg_ros.structures import Frame, Weights

from .conftest import COLOURS, QUICK, SECOND, clear, drive, fog, foggy, scene


def equal(tensors, others) -> bool:
    return tensors.keys() == others.keys() and all(torch.equal(tensors[name], others[name]) for name in others)


def score(bundle, weights: Weights | None, change) -> float:
    engine = Engine(bundle, device='cpu')
    if weights:
        engine.load_weights(weights)
    return 100 * mean_iou(sum(confusion(scene(number).label, engine(Frame(change(scene(number).image))).mask, len(COLOURS))
                              for number in range(700, 712)))


@pytest.fixture(scope='module')
def drove(bundle):
    """A drive into fog and back: (adapter, given in fog, given after it, state when the fog ended, status then)."""
    adapter = Adapter(bundle, QUICK)
    assert drive(adapter, clear(18)) == []
    in_fog = drive(adapter, foggy(30), 18)
    status = adapter.status
    return adapter, in_fog, drive(adapter, clear(14, 900), 48), status


def test_fog_is_met_with_better_weights_and_said_in_words(bundle, drove):
    _, given, _, status = drove
    assert score(bundle, given[-1][1], fog) > score(bundle, None, fog) + 3
    kinds = [event.kind for event in status.events]
    assert kinds[0] == 'shift' and 'promotion' in kinds and status.promotions >= 1 and status.rollbacks == 0
    assert status.step > 0 and np.isfinite(status.loss) and status.shift > 1 and status.key_frames > 3 and status.share > 0
    assert 'points on source in the present style' in next(e.text for e in status.events if e.kind == 'promotion')


def test_versions_count_up_from_1_and_every_set_is_whole(bundle, drove):
    _, in_fog, after, _ = drove
    given = [weights for _, weights in [*in_fog, *after]]
    assert [weights.version for weights in given] == list(range(1, len(given) + 1))
    for weights in given:
        assert {name: tensor.shape for name, tensor in weights.tensors.items()} == {
            name: tensor.shape for name, tensor in bundle.tensors.items()}


def test_the_way_back_is_quick_and_exact(bundle, drove):
    adapter, _, after, _ = drove
    assert after[0][0] < 48 + 6 and equal(after[-1][1].tensors, dict(bundle.tensors))
    assert adapter.status.state in ('return', 'idle') and adapter.status.share == 0


def test_given_weights_are_never_changed_afterwards(in_fog):
    frozen = {name: tensor.clone() for name, tensor in in_fog.anchor.tensors.items()}
    given = [in_fog.rollback(), *(weights for _, weights in drive(in_fog, foggy(4, 1100), 26, pieces=1))]
    copies = [{name: tensor.clone() for name, tensor in weights.tensors.items()} for weights in given]
    drive(in_fog, foggy(6, 1110), 30)
    assert all(equal(weights.tensors, copied) for weights, copied in zip(given, copies))
    assert equal(in_fog.anchor.tensors, frozen)


def test_on_normal_frames_nothing_is_ever_served(adapter):
    assert drive(adapter, clear(60)) == []
    status = adapter.status
    assert (status.state, status.version, status.share, status.step) == ('idle', 0, 0, 0)
    assert 'not adapting' in status.why and 'shift score' in status.why


def test_two_runs_give_the_same_bytes_whatever_else_draws_random_numbers(bundle, fog_state):
    """The first goes on from the start, the second from what was saved there: that is the same, too."""
    runs = []
    for disturbance in (0, 7):
        adapter = Adapter(bundle, QUICK)
        if disturbance:
            adapter.load_state_dict(fog_state)
        else:
            drive(adapter, [*clear(14), *foggy(12)])
        torch.manual_seed(disturbance)
        runs.append((drive(adapter, foggy(8, 612), 26, after=lambda _: torch.rand(3)),
                     dataclasses.replace(adapter.status, events=tuple(adapter.journal.events))))
    assert len(runs[0][0]) > 1 and len(runs[0][0]) == len(runs[1][0]) and runs[0][1] == runs[1][1]
    assert all(a[0] == b[0] and a[1].version == b[1].version and equal(a[1].tensors, b[1].tensors)
               for a, b in zip(runs[0][0], runs[1][0]))


@pytest.mark.parametrize('frames', [5, 18], ids=['calibrating', 'in a trial'])
def test_a_saved_adapter_goes_on_exactly(bundle, frames, tmp_path):
    images = [*clear(14), *foggy(8)]
    first, second = Adapter(bundle, QUICK), Adapter(bundle, QUICK)
    drive(first, images[:frames], pieces=3)
    torch.save(first.state_dict(), tmp_path / 'state.pt')
    second.load_state_dict(torch.load(tmp_path / 'state.pt', weights_only=True))
    ends = [drive(each, images[frames:], frames, pieces=3) for each in (first, second)]
    assert len(ends[0]) > 0 and all(a[0] == b[0] and equal(a[1].tensors, b[1].tensors) for a, b in zip(*ends))
    assert first.journal.events == second.journal.events


def test_a_state_saved_beside_other_weights_is_refused(bundle, adapter):
    changed = dict(bundle.tensors) | {'classifier.3.bias': bundle.tensors['classifier.3.bias'] + 1}
    other = Adapter(dataclasses.replace(bundle, tensors=changed), QUICK)
    with pytest.raises(AdaptationError, match='belongs to other weights'):
        adapter.load_state_dict(other.state_dict())


FAULTY = {'black': np.zeros_like, 'saturated': lambda image: np.full_like(image, 255),
          'frozen': lambda image: clear(1)[0],
          'noise': lambda image: np.random.default_rng(int(image.sum())).integers(0, 256, image.shape, np.uint8)}


@pytest.mark.parametrize('kind', FAULTY)
def test_garbage_enters_no_memory_and_changes_no_weights(adapter, kind):
    drive(adapter, clear(14))
    before = adapter.memory.num_seen
    assert drive(adapter, [FAULTY[kind](image) for image in clear(30)], 14) == []
    assert adapter.memory.num_seen <= before + (kind == 'frozen') and adapter.status.step == 0
    events = adapter.status.events
    assert [event.kind for event in events] == ['fault'] and 'not learned from' in events[0].text


def planted(adapter: Adapter, plant) -> None:
    """Change the teacher so, and let it be tried next."""
    with torch.no_grad():
        plant(adapter.learner.teacher.network)
    adapter.trial, adapter.candidacy.tried = None, -1000
    adapter.clock.begin('floor')
    assert agenda.gate_due(adapter)


def one_class(network) -> None:
    network.classifier[3].weight.zero_()
    network.classifier[3].bias.copy_(torch.tensor([9.0, 0, 0, 0]))


def not_a_number(network) -> None:
    network.classifier[3].weight[0] = float('nan')


def test_a_student_whose_gradient_is_not_finite_starts_anew_even_where_its_loss_is(in_fog):
    adapter = in_fog
    adapter.learner.begin(2.0)
    with torch.no_grad():
        adapter.learner.student.classifier[3].weight.mul_(1e25)
    adapter._train()
    assert 'starts anew' in adapter.status.events[-1].text and adapter.learner.rate == 0.5
    adapter._train()
    assert np.isfinite(adapter.loss) and adapter.learner.student.classifier[3].weight.abs().max() < 1e3


@pytest.mark.parametrize('plant', [one_class, not_a_number])
def test_a_planted_candidate_is_never_served(in_fog, plant):
    adapter = in_fog
    kept = adapter.served.now
    planted(adapter, plant)
    rejections = adapter.status.rejections
    while adapter.status.rejections == rejections:
        assert adapter.update() is None
    assert adapter.served.now is kept and 'refused' in adapter.status.events[-1].text


def test_a_student_that_is_not_a_number_starts_anew_and_is_told(in_fog):
    adapter = in_fog
    with torch.no_grad():
        adapter.learner.student.classifier[3].weight[0] = float('nan')
    adapter.trial, adapter.candidacy.tried = None, adapter.learner.step
    adapter.clock.begin('floor')
    while not any(event.kind == 'fault' for event in adapter.status.events):
        adapter.update()
    assert all(bool(torch.isfinite(parameter).all()) for parameter in adapter.learner.student.parameters())
    assert agenda.may_train(adapter) and adapter.learner.rate < 1


def test_looks_as_frequent_as_pieces_of_work_leave_time_to_learn(in_fog):
    adapter = in_fog
    adapter.serve(Serving(0.5, 0.0, adapter.learner.parameters()))
    pairs, calls = adapter._pairs, adapter._calls
    drive(adapter, foggy(8, 1500), 26, pieces=1)
    compared = adapter._pairs - pairs
    assert 3 <= compared <= 5 and adapter._calls - calls - compared >= 3


def test_what_a_rollback_brought_back_while_the_source_is_there_ends_when_that_is_sure(bundle, in_fog):
    adapter = in_fog
    drive(adapter, clear(4, 1600), 26, pieces=0)
    assert adapter.course.state == 'return' and adapter.served.now.is_frozen
    adapter.rollback()
    assert not adapter.served.now.is_frozen
    given = drive(adapter, clear(10, 1610), 30, pieces=0)
    assert adapter.course.state == 'idle' and equal(given[-1][1].tensors, dict(bundle.tensors))


def test_a_fault_is_the_reason_only_while_it_lasts(in_fog):
    before = in_fog.status.why
    drive(in_fog, [np.zeros_like(clear(1)[0])], 26, pieces=0)
    assert in_fog.status.why == 'nothing is learned from this: black picture'
    drive(in_fog, foggy(1, 1700), 27, pieces=0)
    assert in_fog.status.why == before


def test_what_is_served_and_collapses_is_taken_back_within_a_look(in_fog):
    adapter = in_fog
    good = adapter.served.now
    bad = dict(adapter.learner.parameters())
    bad['classifier.3.weight'] = torch.zeros_like(bad['classifier.3.weight'])
    bad['classifier.3.bias'] = torch.tensor([9.0, 0, 0, 0])
    adapter.serve(Serving(1.0, good.share, bad, good.buffers))
    given = drive(adapter, foggy(1, 980), 26, pieces=0)
    assert len(given) == 1 and equal(given[0][1].tensors, good.tensors(adapter.anchor.tensors))
    assert adapter.status.rollbacks == 1 and 'differ from the frozen weights' in adapter.status.events[-1].text


def test_the_watch_takes_back_what_is_worse_on_labelled_crops(in_fog):
    adapter = in_fog
    bad = {name: tensor.roll(1, 0) if name == 'classifier.3.bias' else tensor
           for name, tensor in adapter.learner.parameters().items()}
    bad['classifier.3.bias'] = torch.tensor([6.0, 0, 0, 0])
    adapter.serve(Serving(1.0, 0.0, bad))
    adapter._see_served = lambda picture: None  # the hard triggers do not help here
    for _ in range(60):
        adapter._compare = True
        if adapter._compared():
            break
    assert adapter.status.rollbacks == 1 and 'worse than the frozen weights' in adapter.status.events[-1].text


def test_a_rollback_brings_the_weights_before_and_then_the_frozen_ones(bundle, in_fog):
    adapter = in_fog
    version = adapter.status.version
    first = adapter.rollback()
    assert first.version == version + 1 and equal(first.tensors, dict(bundle.tensors))
    assert equal(adapter.rollback().tensors, dict(bundle.tensors)) and adapter.status.rollbacks == 2


def test_three_rollbacks_that_nobody_asked_for_lock_adaptation_for_a_while(bundle, in_fog):
    adapter = in_fog
    weights = [adapter.revert('found bad') for _ in range(3)][-1]
    assert adapter.status.state == 'safe' and equal(weights.tensors, dict(bundle.tensors))
    assert drive(adapter, foggy(20, 1200), 30) == [] and adapter.status.state == 'safe'
    for number, image in enumerate(clear(31, 1300)):
        adapter.observe(Frame(image, (60 + 10 * number) * SECOND))
    assert adapter.status.state == 'idle'


def test_a_reset_forgets_everything_but_the_count_of_versions(bundle, in_fog):
    adapter = in_fog
    version = adapter.status.version
    weights = adapter.reset()
    assert weights.version == version + 1 and equal(weights.tensors, dict(bundle.tensors))
    status = adapter.status
    assert (status.state, status.step, status.key_frames, status.events, status.promotions) == ('idle', 0, 0, (), 0)


def test_what_nothing_confirms_goes_back_by_halves(in_fog):
    adapter = in_fog
    shares = []
    for number in range(120):
        adapter.observe(Frame(foggy(1, 1400 + number)[0], (30 + 10 * number) * SECOND))
        shares.append(adapter.status.share)
    assert shares == sorted(shares, reverse=True) and len(set(shares)) >= 3
    assert shares[0] == shares[20] > 0 == shares[-1]


def test_a_stamp_that_does_not_advance_is_passed_over_and_a_clock_that_jumps_back_is_followed(adapter):
    drive(adapter, clear(14))
    seen = adapter.memory.num_seen
    for stamp in (14, 13.5):
        assert adapter.observe(Frame(clear(1, 990)[0], int(stamp * SECOND))) is None
    assert adapter.memory.num_seen == seen
    drive(adapter, clear(3, 992), 0)
    assert adapter.memory.num_seen > seen


@pytest.mark.parametrize(('change', 'words'), [
    (None, 'no tensor replay.images'),
    ({'statistics.': None}, 'no source statistics'),
    ({'gate.': None}, 'no tensor gate.images'),
    ({'replay.images': 'damaged'}, 'crop 0 of replay is damaged')])
def test_a_missing_or_damaged_memory_is_one_clear_error(bundle, change, words):
    replay = None if change is None else dict(bundle.replay)
    for prefix, what in (change or {}).items():
        for name in [name for name in replay if name.startswith(prefix)]:
            replay[name] = torch.zeros_like(replay[name]) if what else replay.pop(name)
            if not what:
                del replay[name]
    with pytest.raises(AdaptationError, match=words) as error:
        Adapter(dataclasses.replace(bundle, replay=replay), QUICK)
    assert 'labelled source on board' in str(error.value) and 'export' in str(error.value)


@pytest.mark.parametrize(('name', 'train_id', 'words'), [
    (REPLAY, 7, 'crop 3 of replay has pixels of class 7, and the network has 4 classes'),
    (GATE, 254, 'crop 3 of gate has pixels of class 254, and the network has 4 classes'),
    (REPLAY, 4, 'crop 3 of replay has pixels of class 4, and the network has 4 classes'), (GATE, 255, None)])
def test_labels_of_no_class_are_one_clear_error_before_anything_learns_from_them(bundle, name, train_id, words):
    crops = [scene(number) for number in range(12)]
    crops[3].label[5, 6] = train_id
    damaged = dataclasses.replace(bundle, replay={**bundle.replay, **pack(crops, name, 4)})
    with pytest.raises(AdaptationError, match=words) if words else nullcontext() as error:
        Adapter(damaged, QUICK)
    assert error is None or 'export the bundle again' in str(error.value)


@pytest.mark.parametrize(('name', 'words'), [(REPLAY, '0 crops with a label to train on'), (GATE, '7 to judge with')])
def test_crops_without_a_labelled_pixel_are_none_to_train_on_or_to_judge_with(bundle, name, words):
    crops = [scene(number) for number in range(12)]
    for crop in crops[7 if name == GATE else 0:]:
        crop.label[:] = 255
    with pytest.raises(AdaptationError, match=words):
        Adapter(dataclasses.replace(bundle, replay={**bundle.replay, **pack(crops, name, 4)}), QUICK)


def test_the_status_tells_whether_there_is_anything_to_lose(bundle, in_fog):
    assert Adapter(bundle, QUICK).status.learned is False
    assert in_fog.status.learned
    drive(in_fog, clear(3, 1950), 26, pieces=0)
    assert in_fog.course.state == 'return' and in_fog.served.now.is_frozen
    assert in_fog.status.learned, 'what waits is learned, too'
    in_fog.reset()
    assert in_fog.status.learned is False


def test_what_a_file_tells_of_is_not_told_as_news(bundle, fog_state):
    adapter = Adapter(bundle, QUICK)
    adapter.load_state_dict(fog_state)
    assert adapter.status.promotions >= 1 and adapter.status.events == ()
    adapter.rollback()
    assert [event.kind for event in adapter.status.events] == ['rollback']
    assert len(adapter.state_dict()['journal']['events']) == len(fog_state['journal']['events']) + 1
