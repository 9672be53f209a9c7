"""The parts one by one: order and labels of a drive, clocks, learners, temporal consistency, figures, memory."""

from __future__ import annotations

import gc
import json
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from uda_seg_ros.evaluation.clock import Realtime, Sequential
from uda_seg_ros.evaluation.consistency import Consistency
from uda_seg_ros.evaluation.drive import Cut, Drive, in_order, look_into
from uda_seg_ros.evaluation.judge import Judge, dense, sparse
from uda_seg_ros.evaluation.label_sources import stamp_in
from uda_seg_ros.evaluation.learners import Beside, Interleaved
from uda_seg_ros.evaluation.moments import APART_S, KEPT, Gallery
from uda_seg_ros.evaluation.plots import thinned
from uda_seg_ros.evaluation.record import Record
from uda_seg_ros.evaluation.run import with_next
from uda_seg_ros.evaluation.summary import figures, over_time
from uda_seg_ros.evaluation.verdict import failures, verdict
from uda_seg_ros.labels import CAMVID, CITYSCAPES
from uda_seg_ros.online.status import AdaptationStatus, Event
from uda_seg_ros.structures import Frame

from ..online.conftest import LABELS
from ..recordings import bags
from .conftest import SECOND, messages, write_bag


def test_messages_out_of_order_by_a_place_or_two_come_out_in_order():
    assert [stamp for stamp, _ in in_order((stamp, None) for stamp in (1, 3, 2, 6, 4, 5, 9, 8, 7))] == list(range(1, 10))


def test_a_stamp_that_was_there_before_is_left_out_and_counted(tmp_path):
    stream = list(messages(3, 0))
    drive = Drive([look_into(write_bag(tmp_path / 'bag', [*stream, stream[2]]), '', '')])
    assert [shot.stamp_ns // SECOND for shot in drive.shots()] == [1, 2, 3] and drive.counts['repeated'] == 1


def test_labels_before_between_and_after_the_pictures_are_unmatched(tmp_path):
    types = bags.get_typestore(bags.Stores.ROS2_JAZZY).types
    odd = [('/camera/label', stamp, bags.image(types, stamp, np.zeros((64, 96), np.uint8)))
           for stamp in (SECOND // 2, SECOND * 3 // 2, SECOND * 9)]
    stream = sorted([*messages(3, 0), *odd], key=lambda each: each[1])
    drive = Drive([look_into(write_bag(tmp_path / 'bag', stream), '', '')])
    assert [shot.label is not None for shot in drive.shots()] == [True] * 3 and drive.counts['labels_without_frame'] == 3


def test_the_digest_tells_the_pictures_that_were_read(tmp_path):
    part = look_into(write_bag(tmp_path / 'bag', messages(4, 0)), '', '')
    drives = [Drive([part], cut) for cut in (Cut(), Cut(), Cut(stride=2))]
    for drive in drives:
        list(drive.shots())
    assert drives[0].digest == drives[1].digest != drives[2].digest


@pytest.mark.parametrize('name, stamp', [
    ('1700000000123456789', 1700000000123456789), ('17_000000005', 17_000_000_005), ('17.000000005', 17_000_000_005),
    ('17_000000005_TrainIds', 17_000_000_005), ('frame_17', None), ('17_5', None)])
def test_stamps_in_the_names_of_label_files(name, stamp):
    assert stamp_in(name) == stamp


def test_sequential_takes_every_frame_at_its_stamp():
    clock = Sequential()
    assert clock.begins(5, 6) == 5 and clock.ends(5, 100) == 5 and clock.begins(6, None) == 6


def test_in_real_time_the_newest_frame_wins():
    """Frames every 10, masks take 25: of those that wait only the last is taken; the last of all is never replaced."""
    clock, taken = Realtime(), []
    for stamp, following in with_next(range(10, 80, 10)):
        begin = clock.begins(stamp, following)
        if begin is not None:
            taken.append((stamp, begin, clock.ends(begin, 25)))
    assert taken == [(10, 10, 35), (30, 35, 60), (60, 60, 85), (70, 85, 110)]


class Adapter:
    """Gives weights out with every second update; each call takes 4 of its own clock."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.left, self.now, self.events = 0, 0, ()

    def observe(self, frame):
        self.calls.append(f'observe {frame.stamp_ns}')
        self.left, self.now = 2, self.now + 4
        self.events = (*self.events, Event('shift', frame.stamp_ns, 'seen'))[-2:]

    @property
    def busy(self) -> bool:
        return self.left > 0

    def update(self):
        self.calls.append('update')
        self.left, self.now = self.left - 1, self.now + 4
        return f'weights {len(self.calls)}' if not self.left else None

    @property
    def status(self) -> AdaptationStatus:
        return AdaptationStatus('adapt', 'told to', events=self.events)


def test_interleaved_work_is_counted_in_pieces_and_events_come_once():
    adapter = Adapter()
    learner = Interleaved(adapter, pieces=1)
    learner.offer(Frame(None, 1), 1)
    assert adapter.calls == ['observe 1', 'update'] and learner.take(1) is None
    assert [event.stamp_ns for event in learner.events()] == [1] and not learner.events()
    adapter.left = 1
    learner.offer(Frame(None, 2), 2)
    assert adapter.calls == ['observe 1', 'update', 'observe 2', 'update']
    assert [event.stamp_ns for event in learner.events()] == [2]


def test_beside_a_learner_works_for_as_long_as_it_was_measured_and_rests_its_share():
    adapter = Adapter()
    learner = Beside(adapter, 0.5, clock=lambda: adapter.now)
    learner.offer(Frame(None, 0), 100)
    assert learner.take(100) is None and adapter.calls == []  # it has not begun yet
    assert learner.take(115) is None and adapter.calls == ['observe 0', 'update']  # begun at 100 and, after a rest, at 108
    assert learner.take(119) is None  # the second update, begun at 116, is ready at 120
    assert learner.take(120) == 'weights 3' and learner.take(500) is None


def test_beside_the_newest_frame_wins():
    adapter = Adapter()
    learner = Beside(adapter, 1.0, clock=lambda: adapter.now)
    for stamp in (1, 2, 3):
        learner.offer(Frame(None, stamp), 10)
    learner.take(1000)
    assert adapter.calls[0] == 'observe 3' and sum(call.startswith('observe') for call in adapter.calls) == 1


def textured(shift: int) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (16, 48, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    return np.ascontiguousarray(noise[:, 20 + shift: 276 + shift])


def test_masks_that_move_with_the_picture_are_consistent_and_those_that_stay_are_not():
    consistency, columns = Consistency(), np.arange(400)
    stripes = np.broadcast_to((columns // 12 % 2).astype(np.uint8), (128, 400))
    moving, still = (lambda shift: np.ascontiguousarray(stripes[:, 20 + shift: 276 + shift])), stripes[:, :256].copy()
    assert consistency(0, textured(0), [moving(0), still]) == [None, None]
    first, second = consistency(SECOND // 10, textured(6), [moving(6), still])
    assert first > 0.9 and second < 0.7
    assert consistency(2 * SECOND, textured(12), [moving(12), still]) == [None, None], 'after a gap nothing is compared'


def test_labels_are_compared_in_the_smaller_space_and_at_their_own_size():
    judge = Judge(CITYSCAPES, CAMVID)
    label = judge.label(np.array([[3, 3, 0, 11]], np.uint8))  # road, road, sky, void
    matrix = judge(label, np.array([[0, 0, 10, 5], [0, 0, 10, 5]], np.uint8))  # road, road, sky, pole, twice as high
    assert judge.space is CAMVID and matrix.sum() == 3 and matrix[3, 3] == 2 and matrix[0, 0] == 1
    assert np.array_equal(dense(sparse(matrix), 11), matrix)


def line(time_s: float, served, frozen=None, **result) -> str:
    track = {'confidence': 0.9, 'entropy': 0.1, 'temporal_consistency': None, 'classes': {'0': 10, '1': 10}}
    values = {'weights_version': 3, 'latency_ms': 10.0, 'shift_score': 0.5, 'events': [], 'agreement': 0.9, **result,
              'served': {**track, **({'confusion': served} if served else {})}}
    if frozen is not None:
        values['frozen'] = {**track, 'confusion': frozen}
    return json.dumps({'Frame': {'time_s': time_s, 'bag': 0, 'bag_time_s': time_s},
                       'Stamp': {'sec': int(time_s), 'nanosec': 0}, 'Result': values})


RIGHT, HALF = [[0, 0, 10], [1, 1, 10]], [[0, 0, 10], [1, 0, 10]]  # mIoU 100 %, and (10/20 + 0) / 2 = 25 %


def test_gain_and_regret_of_windows_by_hand():
    """40 frames: right against half for 10 of them, the same elsewhere; unlabelled ones between count for nothing."""
    lines = [line(place, RIGHT if place < 10 else HALF, HALF) for place in range(40)]
    lines[5:5] = [line(4.5, None)]
    found = figures(Record(lines, len(LABELS.names)), LABELS, LABELS)
    assert found['served']['iou'] == {'red': pytest.approx(100 * 400 / 700), 'green': pytest.approx(25)}
    assert found['frozen']['miou'] == 25 and found['labelled_frames'] == 40 and found['num_frames'] == 41
    # A window of 30 with k right ones: red 300 / (300 + 300 - 10 k), green k / 30.
    points = [50 * (300 / (600 - 10 * k) + k / 30) - 25 for k in range(10, -1, -1)]
    assert found['paired']['gain'] == pytest.approx(np.mean(points)) and found['paired']['regret'] == pytest.approx(0)
    low, high = found['paired']['gain_interval']
    assert low <= found['paired']['gain'] <= high


def test_a_curve_ends_where_its_windows_end():
    record = Record([line(place, RIGHT, HALF) for place in range(32)], 4)
    times, values = over_time(record, record.frozen)
    assert times.tolist() == [29, 30, 31] and values.tolist() == [25] * 3


def test_few_labels_have_no_interval_and_the_sentence_says_so():
    found = figures(Record([line(place, RIGHT, HALF) for place in range(5)], 4), LABELS, LABELS)
    assert found['paired']['gain_interval'] is None
    assert verdict(found, True, 100.0).startswith('Too few labelled frames to tell')


@pytest.mark.parametrize('served, frozen, said', [
    (RIGHT, HALF, 'Adaptation is better (+75.0 points'), (HALF, RIGHT, 'Adaptation is worse (-75.0 points'),
    (HALF, HALF, 'No difference can be told')])
def test_the_sentence_follows_the_interval(served, frozen, said):
    found = figures(Record([line(place, served, frozen) for place in range(40)], 4), LABELS, LABELS)
    text = verdict(found, True, 100.0)
    assert text.startswith(said) and 'fast enough for this camera on this computer' in text
    assert 'too slow for this camera' in verdict(found, True, 9.0)
    assert ('in its worst window' in text) == (said.startswith('Adaptation is worse'))
    assert bool(failures(found, None, 1.0)) == said.startswith('Adaptation is worse')


def test_an_adapter_that_never_changed_anything_is_told_of():
    found = figures(Record([line(place, HALF, HALF, weights_version=0) for place in range(40)], 4), LABELS, LABELS)
    assert verdict(found, True, 100.0).startswith('The adapter never changed the weights. No difference can be told')


def test_a_gallery_keeps_a_few_moments_apart_and_the_best_of_those_near():
    gallery = Gallery('', '', lambda seen: seen.value)
    for time_s, value in ((0, 1), (1, 5), (2, 3), (10, 2), (20, 4), (30, 6), (40, 0.5), (50, None)):
        shot = SimpleNamespace(time_s=time_s, bag=0, bag_time_s=time_s)
        gallery.offer(SimpleNamespace(shot=shot, value=value), lambda seen: {})
    assert [(moment.time_s, moment.value) for moment in gallery.moments] == [(30, 6), (1, 5), (20, 4)]
    assert KEPT == 3 and APART_S > 2


def test_long_lines_are_thinned_to_means():
    times, values = thinned(np.arange(10.0), np.array([1, 3, np.nan, 5, np.nan, np.nan, 2, 4, 6, 8.0]), most=5)
    assert times.tolist() == [0, 2, 4, 6, 8] and values[[0, 1, 3, 4]].tolist() == [2, 5, 3, 7] and np.isnan(values[2])


def test_no_picture_of_300_is_held_for_longer_than_it_takes(tmp_path, tiny_bundle):
    """Everything that a sink gets is gone when the next comes."""
    from uda_seg_ros.bundle import Bundle
    from uda_seg_ros.evaluation.film import Film
    from uda_seg_ros.evaluation.learners import NoLearner
    from uda_seg_ros.evaluation.line import Lines
    from uda_seg_ros.evaluation.moments import Moments, galleries
    from uda_seg_ros.evaluation.networks import ShiftMeter
    from uda_seg_ros.evaluation.run import Run
    from uda_seg_ros.runtime.engine import Engine

    class Watch:
        def __init__(self) -> None:
            self.seen: list[weakref.ref] = []
            self.most = 0

        def add(self, seen) -> None:
            self.seen.append(weakref.ref(seen))
            self.most = max(self.most, sum(each() is not None for each in self.seen[-50:]))

        def drop(self, shot) -> None: ...
        def close(self) -> None: ...
    bundle = Bundle.load(tiny_bundle)
    types = bags.get_typestore(bags.Stores.ROS2_JAZZY).types
    stream = (('/camera/image_raw', (place + 1) * SECOND // 10, bags.image(types, (place + 1) * SECOND // 10, bags.picture(
        place % 7, 32, 64))) for place in range(300))
    drive = Drive([look_into(write_bag(tmp_path / 'bag', stream, 'sqlite3'), '', '')])
    engine, watch = Engine(bundle, device='cpu', size=(32, 64)), Watch()
    sinks = [Lines(tmp_path / 'lines', False), Moments(galleries(False, False), CITYSCAPES, CITYSCAPES, False),
             Film(tmp_path / 'film.webm', CITYSCAPES, False, print), watch]
    gc.disable()
    try:
        Run(engine, None, NoLearner(), Sequential(), Judge(CITYSCAPES, CITYSCAPES), ShiftMeter(bundle, engine))(
            drive.shots(), sinks)
    finally:
        gc.enable()
    for sink in sinks:
        sink.close()
    assert len(watch.seen) == 300 and watch.most <= 2
