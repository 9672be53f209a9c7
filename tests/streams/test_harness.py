"""Methods that are better, worse or late get exactly the measures they must."""

from __future__ import annotations

import numpy as np
import pytest

from uda_seg_ros.labels import CAMVID, CITYSCAPES
from uda_seg_ros.streams.clock import Clock, Pace
from uda_seg_ros.streams.errors import StreamError
from uda_seg_ros.streams.footage import Footage
from uda_seg_ros.streams.harness import Judge, run
from uda_seg_ros.streams.measures import measure
from uda_seg_ros.streams.methods import Answer
from uda_seg_ros.streams.methods.oracle import best_of
from uda_seg_ros.streams.schedule import clean, moments, steady
from uda_seg_ros.streams.trace import miou

FRAMES = 80
PAIR = CITYSCAPES.names.index('road'), CITYSCAPES.names.index('sky')


@pytest.fixture
def footage() -> Footage:
    """Halves of road and sky; which is where changes from frame to frame."""
    labels = np.empty((FRAMES, 8, 8), np.uint8)
    labels[:, :, :4], labels[:, :, 4:] = PAIR
    labels[1::2] = labels[1::2, :, ::-1]
    shown = moments([clean(40), steady('fog', 40)], {'day': 999})
    return Footage(np.zeros((FRAMES, 8, 8, 3), np.uint8), labels, CITYSCAPES, tuple(shown))


class StandIn:
    """Right on all but the topmost `wrong` rows from frame `since` on; sees the labels."""

    def __init__(self, footage: Footage, wrong: int, since: int = 0, forwards: float = 1.0) -> None:
        self.footage, self.wrong, self.since, self.forwards = footage, wrong, since, forwards
        self.called: list[int] = []

    def __call__(self, frame, index) -> Answer:
        self.called.append(index)
        mask = self.footage.label(index).copy()
        if index >= self.since:
            mask[:self.wrong] = mask[:self.wrong, ::-1]
        return Answer(mask, self.forwards, (('shift', 'now'),) if index == 50 else (), {'index': float(index)})


def traced(footage, method, **more):
    return run(method, footage, Judge(CITYSCAPES, CITYSCAPES), **more)


def score(wrong: int) -> float:
    right = 1 - wrong / 8
    return 100 * right / (2 - right)


@pytest.mark.parametrize('wrong, gain', [(0, score(0) - score(4)), (4, 0), (8, score(8) - score(4))])
def test_better_same_and_worse(footage, wrong, gain):
    frozen = traced(footage, StandIn(footage, 4))
    found = measure(traced(footage, StandIn(footage, wrong)), frozen, footage.moments)
    assert found['gain'] == pytest.approx(gain) and found['regret'] == pytest.approx(gain)
    assert found['time_worse'] == (gain < 0)


def test_worse_for_a_while_shows_in_the_regret_alone(footage):
    frozen = traced(footage, StandIn(footage, 4))
    found = measure(traced(footage, StandIn(footage, 8, since=40)), frozen, footage.moments)
    assert found['regret'] == pytest.approx(0 - score(4)) or found['regret'] < -30
    assert found['frozen_miou'] == pytest.approx(score(4))


def test_a_late_method_serves_its_last_mask_again(footage):
    """It takes as long as four frames: one of four gets a mask of its own, once the slot is full."""
    late = StandIn(footage, 0, forwards=40)
    found = traced(footage, late, pace=Pace(forwards=10))
    assert found.lost.sum() == FRAMES - len(late.called) and 0.7 < found.lost.mean() < 0.76
    served = miou(found.counts)
    for index in np.flatnonzero(found.lost):
        taken = max(each for each in late.called if each < index)
        assert served[index] == (100 if (index - taken) % 2 == 0 else 0)


def test_who_keeps_within_the_pace_loses_nothing(footage):
    assert not traced(footage, StandIn(footage, 0, forwards=10), pace=Pace(forwards=10)).lost.any()


def test_one_long_frame_costs_those_that_come_meanwhile():
    clock = Clock(Pace(forwards=10))
    assert clock.arrives()
    clock.spend(35)  # done in the middle of frame 3's period: frames 1 and 2 are lost, 3 waits in the slot
    assert [clock.arrives() for _ in range(3)] == [False, False, True]


def test_every_frame_is_seen_once_and_in_order(footage):
    method = StandIn(footage, 0)
    traced(footage, method)
    assert method.called == list(range(FRAMES))


def test_events_and_signals_are_kept_by_frame(footage):
    found = traced(footage, StandIn(footage, 0), seen=lambda index, mask: {'shown': float(mask[0, 0])})
    assert [(each.frame, each.kind, each.text) for each in found.happenings] == [(50, 'shift', 'now')]
    assert found.signals['index'].tolist() == list(range(FRAMES))
    assert found.signals['shown'][:2].tolist() == [PAIR[0], PAIR[1]]


def test_the_oracle_takes_the_better_of_both_in_every_window(footage):
    frozen = traced(footage, StandIn(footage, 4))
    candidate = traced(footage, StandIn(footage, 8, since=30))  # right for one window, then wrong
    chosen = best_of(frozen, candidate, window=10)
    assert np.array_equal(chosen.counts[:30], candidate.counts[:30])
    assert np.array_equal(chosen.counts[30:], frozen.counts[30:])


@pytest.mark.parametrize('masks, labels', [(CITYSCAPES, CAMVID), (CAMVID, CITYSCAPES)])
def test_two_label_spaces_meet_in_the_smaller(masks, labels):
    judge = Judge(masks, labels)
    assert judge.num_classes == 11
    names = {CITYSCAPES: ('sidewalk', 'vegetation'), CAMVID: ('pavement', 'tree')}
    mask, label = (np.array([[space.names.index(name) for name in names[space]]], np.uint8) for space in (masks, labels))
    hit, labelled, predicted = judge(label, mask)
    assert hit.sum() == labelled.sum() == predicted.sum() == 2 and hit[CAMVID.names.index('tree')] == 1


def test_a_pace_of_nothing_is_refused():
    with pytest.raises(StreamError, match='at least 1 forward'):
        Pace(forwards=0)
