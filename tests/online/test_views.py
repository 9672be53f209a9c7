"""The frozen network's views label the target, are learned from, and say which candidates are nearer to the truth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from uda_seg_ros.online import agenda, gate
from uda_seg_ros.online.adapter import Adapter
from uda_seg_ros.online.batch import Batch, draw
from uda_seg_ros.online.candidacy import Candidacy
from uda_seg_ros.online.following import compare_statistics, measure
from uda_seg_ros.online.gate import FLOOR, FROZEN, LEARNER, Verdict, evidence
from uda_seg_ros.online.guards import Evidence, objections
from uda_seg_ros.online.memory import KeyFrame, Memory
from uda_seg_ros.online.serving import Serving
from uda_seg_ros.online.settings import GateSettings, TrainingSettings
from uda_seg_ros.online.training import Learner
from uda_seg_ros.online.trial import Gain, Shown, Trial
from uda_seg_ros.online.views import ViewLabel, label_frame, view_label

from .conftest import LABELS, QUICK, SIZE, clear, drive, foggy, scene

SEEN, UNSURE = Gain(2.0, 0.5), Gain(2.0, -0.1)


def seen(adapter: Adapter, picture: np.ndarray, scales=(1.0, 1.5)):
    return view_label(adapter.masks, adapter.anchor.tensors, picture, 0.0, scales, adapter.anchor.network.multiple)


def test_a_mirrored_picture_gets_the_mirrored_label(adapter):
    for number in range(3):
        picture = scene(number).image
        label, mirrored = seen(adapter, picture), seen(adapter, np.ascontiguousarray(picture[:, ::-1]))
        assert label.label.shape == label.weight.shape == SIZE and label.label.dtype == label.weight.dtype == np.uint8
        assert (label.label == mirrored.label[:, ::-1]).mean() > 0.999
        assert np.abs(label.weight.astype(int) - mirrored.weight[:, ::-1]).max() <= 1


def test_views_have_the_sizes_that_were_asked_for(adapter):
    sizes = []
    hook = adapter.masks._network.register_forward_pre_hook(lambda module, inputs: sizes.append(tuple(inputs[0].shape[2:])))
    seen(adapter, scene(0).image, (0.5, 1.5))
    hook.remove()
    assert sizes == 2 * [(32, 64)] + 2 * [(96, 128)]


def test_mirrored_views_label_the_source_at_least_as_well_as_one_look(adapter):
    crops = [scene(number) for number in range(400, 412)]
    together = np.mean([(seen(adapter, crop.image, (1.0,)).label == crop.label).mean() for crop in crops])
    alone = np.mean([(adapter.masks.logits(adapter.anchor.tensors, crop.image, size=SIZE)[0].argmax(0).numpy()
                      == crop.label).mean() for crop in crops])
    assert together >= alone > 0.8


@pytest.mark.parametrize('size, learned, scales', [
    ((360, 640), (360, 640), (0.75, 1.25)), ((180, 320), (360, 640), (1.5,)), ((240, 427), (360, 640), (1.125,)),
    ((90, 160), (360, 640), (1.5,)), ((720, 1280), (360, 640), (0.375, 0.625))])
def test_views_have_the_size_at_which_the_source_was_learned_but_are_not_much_larger_than_the_input(size, learned, scales):
    assert TrainingSettings().scales_of(size, learned) == pytest.approx(scales)


@pytest.fixture
def training(bundle) -> Adapter:
    """Two steps into the training for a fog."""
    adapter = Adapter(bundle, dataclasses.replace(QUICK, floor=dataclasses.replace(QUICK.floor, on=False)))
    drive(adapter, clear(3), pieces=40)
    adapter.course.enter('adapt')
    adapter.learner.begin(2.0)
    drive(adapter, foggy(8), 3, pieces=0)
    adapter.candidacy.begin(adapter.learner.step)
    return adapter


def test_every_second_step_one_more_key_frame_is_labelled_a_few_held_out_ones_first(training):
    adapter, labelled = training, []
    held_out, train = ([frame.born for frame in frames[::-1]] for frames in (adapter.memory.held_out, adapter.memory.train))
    while adapter.learner.step < 8:
        adapter.update()
        frames = {frame.born for frame in (*adapter.memory.train, *adapter.memory.held_out) if frame.seen}
        labelled += [(adapter.learner.step, born) for born in frames - {born for _, born in labelled}]
    assert len(held_out) == 2 and labelled == list(zip((0, 2, 4, 6), [*held_out, *train]))


def test_key_frames_are_labelled_anew_where_other_statistics_are_served(training):
    memory = training.memory
    for frame in (*memory.train, *memory.held_out):
        memory.label(frame, seen(training, frame.picture))
    assert memory.unlabelled(0.0) is None
    assert memory.unlabelled(0.25) is memory.held_out[-1]
    assert memory.unlabelled(0.0, training=False) is None


def test_labels_of_key_frames_are_saved_with_them(training):
    memory = training.memory
    memory.label(memory.train[0], seen(training, memory.train[0].picture))
    before = memory.train[0].seen
    again = Memory(QUICK.memory)
    again.load_state_dict(memory.state_dict())
    after = again.train[0].seen
    assert after is not before and (after.label == before.label).all() and (after.weight == before.weight).all()
    assert again.train[1].seen is None


def test_labels_and_weights_are_cut_with_their_picture():
    label = np.random.default_rng(0).integers(0, 4, SIZE).astype(np.uint8)
    frame = KeyFrame(np.repeat(60 * label[..., None], 3, 2), torch.zeros(1), torch.zeros(1), 0.0, 0,
                     ViewLabel(label, 50 * label, 0.0))
    for seed in range(8):
        batch = draw([scene(0)], np.ones(1), [frame], (), False, SIZE, (32, 64), np.random.default_rng(seed),
                     torch.device('cpu'))
        assert batch.target.shape == (1, 3, 32, 64)
        assert ((batch.target[:, 0] * 255 / 60).round() == batch.target_label).all()
        assert torch.allclose(batch.target_weight * 255, 50.0 * batch.target_label)


@pytest.mark.parametrize('styled', (False, True))
def test_a_step_weighs_the_targets_pixels_and_sees_them_behind_the_statistics_that_are_served(in_fog, styled):
    """The loss is that of the target alone, worked out by hand."""
    adapter = in_fog
    learner = Learner(adapter.anchor, adapter.normalise, dataclasses.replace(QUICK.training, clean=0.0, restyled=0.0,
                                                                             target=3.0))
    learner.begin(1.0)
    generator = torch.Generator().manual_seed(0)
    image, label = torch.rand(1, 3, *SIZE, generator=generator), torch.randint(0, 4, (1, *SIZE), generator=generator)
    weight = torch.rand(1, *SIZE, generator=generator)
    source, mixed = adapter.floor.buffers(0.0), adapter.floor.buffers(0.5)

    def expected(buffers) -> float:
        with torch.no_grad():
            logits = torch.func.functional_call(adapter.anchor.network, {**adapter.anchor.tensors, **buffers},
                                                (adapter.normalise(image), SIZE))
        return float(3 * (weight * torch.nn.functional.cross_entropy(logits, label, reduction='none')).mean())

    loss = learner.train(Batch(image, label, styled, image, label, weight), source, mixed)
    assert loss == pytest.approx(expected(mixed), rel=1e-4) and abs(expected(mixed) - expected(source)) > 1e-3


def test_a_key_frame_is_labelled_behind_the_statistics_that_are_served(in_fog):
    adapter = in_fog
    adapter.serve(Serving(share=0.5, buffers=adapter.floor.buffers(0.5)))
    frame = adapter.memory.train[-1]
    label_frame(adapter, frame)
    scales = QUICK.training.scales_of(*adapter.eye.sizes)
    wanted, plain = (view_label(adapter.masks, {**adapter.anchor.tensors, **adapter.floor.buffers(share)}, frame.picture,
                                share, scales, adapter.anchor.network.multiple) for share in (0.5, 0.0))
    found = adapter.memory.train[-1].seen
    assert found.share == 0.5 and (found.weight == wanted.weight).all() and (found.weight != plain.weight).any()


def told(adapter: Adapter, count: int, share: float = 0.0, train_id: int = 3) -> None:
    """Holds so many key-frames out, all of one class as the views see them."""
    frames = [*adapter.memory.train, *adapter.memory.held_out]
    adapter.memory.held_out = [
        dataclasses.replace(frame, seen=ViewLabel(np.full(SIZE, train_id, np.uint8), np.full(SIZE, 255, np.uint8), share))
        for frame in frames[:count]]


@pytest.mark.parametrize('count, share, tells', [(4, 0.0, True), (3, 0.0, False), (4, 0.25, False)])
def test_a_candidate_is_judged_by_enough_key_frames_as_they_are_seen_now(training, count, share, tells):
    """A candidate of one class, as all the labels are."""
    adapter = training
    adapter.settings = dataclasses.replace(QUICK, gate=dataclasses.replace(QUICK.gate, target=8))
    told(adapter, count, share)
    with torch.no_grad():
        adapter.learner.teacher.network.classifier[3].bias.copy_(torch.tensor([0.0, 0, 0, 99]))
    adapter.candidacy.tried, adapter.served.now = -1000, Serving()
    trial = agenda.next_trial(adapter)
    assert trial.kind == LEARNER
    while not trial.done:
        trial.piece(adapter.masks, adapter.eye.gate, adapter.anchor.num_classes)
    found = evidence(trial, 0.05, adapter.labels.names)
    assert (found.seen.mean > 20 and found.seen_more.mean > 20) if tells else found.seen == Gain(0.0, float('-inf'))


@pytest.mark.parametrize('seen_better', (True, False))
def test_a_review_takes_back_what_crops_find_a_little_worse_unless_key_frames_are_seen_better(monkeypatch, seen_better):
    found = Evidence(Gain(0.0, -0.3), Gain(-0.1, -0.2), Gain(-0.1, -0.2), seen=SEEN if seen_better else UNSURE)
    monkeypatch.setattr(gate, 'evidence', lambda *_: found)
    assert gate.judge_review(None, GateSettings(), 0.05, LABELS.names).valid == seen_better


def test_held_out_key_frames_are_labelled_while_learned_weights_are_served_without_training(training):
    adapter = training
    adapter.hold('told to')
    assert agenda.to_label(adapter) is None
    adapter.served.now = Serving(1.0, 0.0, dict(adapter.learner.parameters()))
    frame = agenda.to_label(adapter)
    assert frame is adapter.memory.held_out[-1]
    label_frame(adapter, frame)
    assert agenda.to_label(adapter) is None
    adapter.clock.now_ns += 6_000_000_000
    assert agenda.to_label(adapter) is adapter.memory.held_out[-2]


def test_one_pass_measures_statistics_and_how_sure_they_make_the_network(in_fog, monkeypatch):
    adapter, told_of = in_fog, []
    picture = adapter.eye.last.picture
    measured = measure(adapter, picture)
    monkeypatch.setattr(adapter.sureness, 'add', lambda plain, doubts, served: told_of.append(doubts))
    adapter.clock.now_ns += 2_000_000_000
    compare_statistics(adapter, measured)
    assert told_of == [{share: pytest.approx(adapter.masks.doubt(
        {**adapter.anchor.tensors, **adapter.floor.buffers(share)}, picture), abs=1e-5) for share in QUICK.floor.shares}]


def test_what_is_next_to_be_labelled_and_tried_is_saved(in_fog, bundle):
    in_fog.labelled_at, in_fog.candidacy.again, in_fog.candidacy.nearer = 7, True, 2
    again = Adapter(bundle, QUICK)
    again.load_state_dict(in_fog.state_dict())
    assert (again.labelled_at, again.candidacy.again, again.candidacy.nearer) == (7, True, 2)


def test_where_fewer_scales_are_set_than_a_file_tells_of_the_nearest_of_them_is_next():
    before = Candidacy(GateSettings(scales=(1.0, 0.5, 0.25, 0.1)))
    before.nearer, before.again = 3, True
    way = Candidacy(GateSettings(scales=(1.0, 0.5)))
    way.load_state_dict(before.state_dict())
    assert (way.scale, way.again) == (0.5, True)


@pytest.mark.parametrize('size, learned, every', [((192, 320), (360, 640), 2), ((352, 640), (360, 640), 2),
                                                  ((720, 1280), (720, 1280), 6)])
def test_labels_cost_half_of_the_steps_at_most(size, learned, every):
    settings = TrainingSettings()
    scales, crop = settings.scales_of(size, learned), settings.crop_of(size)
    step = 2 * 3 * crop[0] * crop[1] / (size[0] * size[1])
    assert settings.label_every(size, learned) == every and sum(2 * scale ** 2 for scale in scales) <= every * step / 2


def test_small_losses_against_what_is_served_do_not_add_up():
    found = Evidence(Gain(0.0, -0.3), Gain(-0.1, -0.25), Gain(-3.0, -4.0), seen=Gain(2.0, 0.5), seen_more=Gain(2.0, 0.5))
    assert list(objections(found, GateSettings())) == ['restyled_loss']


@pytest.mark.parametrize('name, evidence', {
    'no_answer': Evidence(Gain(0.9, 0.3), Gain(1.0, 0.4), Gain(1.2, 0.5)),
    'pointless': Evidence(Gain(0.0, -0.3), Gain(0.0, -0.2), Gain(1.2, 0.5))}.items())
def test_what_is_won_on_key_frames_is_as_good_as_on_labelled_crops(name, evidence):
    settings = GateSettings()
    assert list(objections(evidence, settings)) == [name]
    assert not objections(dataclasses.replace(evidence, seen=SEEN, seen_more=SEEN), settings)
    if name == 'no_answer':
        assert list(objections(dataclasses.replace(evidence, seen=UNSURE, seen_more=UNSURE), settings)) == [name]


@pytest.mark.parametrize('name, changes', {
    'clean_loss': {'clean': Gain(-1.0, -1.6)}, 'restyled_loss': {'restyled': Gain(-0.5, -0.9)},
    'narrow': {'entropy_ratio': 0.7}, 'not_finite': {'finite': False}}.items())
def test_no_agreement_with_the_views_outweighs_a_loss(name, changes):
    good = Evidence(Gain(0.0, -0.3), Gain(1.0, 0.4), Gain(1.2, 0.5), seen=Gain(20.0, 15.0), seen_more=Gain(20.0, 15.0))
    assert list(objections(dataclasses.replace(good, **changes), GateSettings())) == [name]


def test_the_way_to_the_teacher_grows_with_what_is_won_and_shrinks_with_what_is_refused():
    way = Candidacy(GateSettings(scales=(1.0, 0.5, 0.25)))
    way.begin(0)
    won, lost = Verdict('', 1.0, scale=0.5, valid=True), Verdict('', objections=('disagrees',))
    tried = []
    for verdict in (won, won, lost, won, lost, lost, lost):
        tried.append(way.scale)
        way.judged(verdict)
    assert tried == [0.5, 1.0, 1.0, 0.5, 1.0, 0.5, 0.25] and way.scale == 0.5 and way.rejected == 1


def test_a_refused_candidate_is_tried_nearer_at_once_and_a_won_one_when_there_is_another():
    way = Candidacy(GateSettings(every=25))
    way.begin(0)
    assert not way.due(24, False) and way.due(25, False)
    way.tried = 25
    assert way.judged(Verdict('', objections=('disagrees',))) == 'nearer' and way.due(25, False)
    assert way.judged(Verdict('', 1.0, scale=0.25, valid=True)) == 'serve' and not way.due(25, False)


def test_a_trial_runs_the_frozen_weights_once_over_a_clean_crop_and_equal_weights_once_over_any(adapter):
    drive(adapter, clear(2), pieces=40)
    runs = []

    class Counted(type(adapter.masks)):
        def __call__(self, tensors, *args):
            runs.append(tensors)
            return super().__call__(tensors, *args)

    adapter.masks.__class__ = Counted
    frozen, other = dict(adapter.anchor.tensors), dict(adapter.anchor.tensors)
    known: dict[int, np.ndarray] = {}
    for count in (5 * 2 + 3 * 1, 5 * 1 + 3 * 1):
        trial = Trial(FLOOR, {FROZEN: frozen, 'clean': other, 'served': other, 'reference': other},
                      {'clean': ['clean', FROZEN], 'target': ['served', 'reference']}, range(5), [],
                      [Shown(picture) for picture in clear(3)], {})
        runs.clear()
        while not trial.done:
            trial.piece(adapter.masks, adapter.eye.gate, adapter.anchor.num_classes, known)
        assert len(runs) == count and len(trial.masks['reference']) == 3
        assert trial.gain('clean', 'clean', FROZEN, 0.1).mean == 0
    assert trial.gain('target', 'served', 'reference', 0.1) == Gain(0.0, float('-inf'))
    assert set(known) == set(range(5))
