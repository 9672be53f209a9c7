"""The frozen network's views label the target, are learned from, and say which candidates are nearer to the truth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from uda_seg_ros.online import agenda
from uda_seg_ros.online.adapter import Adapter
from uda_seg_ros.online.candidacy import Candidacy
from uda_seg_ros.online.gate import FLOOR, FROZEN, Verdict
from uda_seg_ros.online.guards import Evidence, objections
from uda_seg_ros.online.memory import Memory
from uda_seg_ros.online.settings import GateSettings, TrainingSettings
from uda_seg_ros.online.trial import Gain, Shown, Trial
from uda_seg_ros.online.views import view_label

from .conftest import QUICK, SIZE, clear, drive, foggy, scene


def seen(adapter: Adapter, picture: np.ndarray, scales=(1.0, 1.5)):
    return view_label(adapter.masks, adapter.anchor.tensors, picture, 0.0, scales, adapter.anchor.network.multiple)


def test_a_mirrored_picture_gets_the_mirrored_label(adapter):
    for number in range(3):
        picture = scene(number).image
        label, mirrored = seen(adapter, picture), seen(adapter, np.ascontiguousarray(picture[:, ::-1]))
        assert label.label.shape == label.weight.shape == SIZE and label.label.dtype == label.weight.dtype == np.uint8
        assert (label.label == mirrored.label[:, ::-1]).mean() > 0.999
        assert np.abs(label.weight.astype(int) - mirrored.weight[:, ::-1]).max() <= 1


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


def test_the_student_learns_what_the_views_say_of_the_target(training):
    """Against the frozen network's own answer, so that nothing else can bring it there."""
    adapter, told = training, 3
    for frame in (*adapter.memory.train, *adapter.memory.held_out):
        label = seen(adapter, frame.picture)
        adapter.memory.label(frame, dataclasses.replace(label, label=np.full_like(label.label, told),
                                                        weight=np.full_like(label.weight, 255)))
    picture = adapter.memory.train[0].picture
    before = (adapter.masks(adapter.anchor.tensors, picture) == told).mean()
    while agenda.may_train(adapter) and adapter.learner.step < 15:
        adapter._train()
    student = {**adapter.anchor.tensors, **dict(adapter.learner.student.requires_grad_(False).named_parameters())}
    assert (adapter.masks(student, picture) == told).mean() > before + 0.05


SEEN, UNSURE = Gain(2.0, 0.5), Gain(2.0, -0.1)


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
