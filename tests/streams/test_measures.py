"""The measures against slow and plain ways to compute them, and against cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from uda_seg_ros.metrics import confusion, mean_iou
from uda_seg_ros.streams.bootstrap import intervals, resampled, slots, strata
from uda_seg_ros.streams.measures import (
    Span,
    backward_transfer,
    detection_delays,
    false_alarms,
    forgetting,
    harmonic_mean,
    measure,
    paired,
    recoveries,
    shift_gain,
    spans,
    way_back,
    windowed,
)
from uda_seg_ros.streams.schedule import clean, moments, steady
from uda_seg_ros.streams.trace import Happening, Trace, count, miou

CLASSES = 4


def trace(right: list[float], happenings=(), pixels: int = 1000) -> Trace:
    """Two classes; a share of each frame's pixels is right, the rest is taken for the other class."""
    hits = np.round(np.array(right) * pixels).astype(np.int64)
    counts = np.zeros((len(right), 3, 2), np.int64)
    counts[:, 0], counts[:, 1], counts[:, 2] = hits[:, None], pixels, pixels
    return Trace(counts, np.zeros(len(right), bool), tuple(happenings))


def score(right: float) -> float:
    return 100 * right / (2 - right)


def pictures(frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 1, 2, 3, 255], (frames, 6, 7), p=[0.4, 0.3, 0.15, 0.05, 0.1]).astype(np.uint8)
    masks = np.where(rng.random(labels.shape) < 0.6, np.minimum(labels, 3), rng.integers(0, 5, labels.shape))
    return labels, masks.astype(np.uint8)


def test_windows_are_those_of_the_summed_confusion_matrices():
    labels, masks = pictures(13, 0)
    counts = np.stack([count(label, mask, CLASSES) for label, mask in zip(labels, masks)])
    brute = [100 * mean_iou(sum(confusion(labels[i], masks[i], CLASSES) for i in range(start, start + 5)))
             for start in range(9)]
    np.testing.assert_allclose(windowed(counts, 5), brute)
    np.testing.assert_allclose(miou(counts.sum(0)), 100 * mean_iou(confusion(labels, masks, CLASSES)))


def test_without_labels_there_is_no_score():
    assert np.isnan(miou(np.zeros((3, CLASSES), np.int64)))


def test_gain_regret_and_time_worse_against_brute_force():
    labels, masks = pictures(50, 1)
    _, others = pictures(50, 2)
    served, frozen = (np.stack([count(*pair, CLASSES) for pair in zip(labels, each)]) for each in (masks, others))

    def at(each, start):
        return 100 * mean_iou(sum(confusion(labels[i], each[i], CLASSES) for i in range(start, start + 30)))
    brute = np.array([at(masks, start) - at(others, start) for start in range(21)])
    found = paired(served, frozen)
    assert found == pytest.approx({'gain': brute.mean(), 'regret': brute.min(), 'time_worse': (brute < -0.5).mean()})


def test_frozen_against_itself_is_exactly_nothing():
    own = trace([0.5, 0.7] * 40)
    shown = moments([clean(40), steady('fog', 40)], {'day': 99})
    found = measure(own, own, shown)
    assert (found['gain'], found['regret'], found['time_worse'], found['gain_at_end']) == (0, 0, 0, 0)
    assert intervals([(own, own)], spans(shown), draws=20) == {'gain': (0, 0), 'regret': (0, 0)}


def test_way_back_counts_the_last_clean_part_once_settled():
    parts = [Span(0, 50, 'clean', True, False), Span(50, 100, 'fog', False, True), Span(100, 150, 'clean', True, True)]
    served = trace([0.8] * 100 + [0.1] * 20 + [0.7] * 30)
    assert way_back(served, trace([0.8] * 150), parts) == pytest.approx(score(0.7) - score(0.8))
    assert way_back(served, served, parts[:2]) is None
    assert way_back(served, served, parts[:1]) is None


def test_the_gain_in_the_shift_leaves_clean_parts_out():
    parts = [Span(0, 50, 'clean', True, False), Span(50, 100, 'fog', False, True), Span(100, 150, 'clean', True, True)]
    served = trace([0.1] * 50 + [0.7] * 50 + [0.1] * 50)
    assert shift_gain(served, trace([0.5] * 150), parts) == pytest.approx(score(0.7) - score(0.5))
    assert shift_gain(served, served, [Span(0, 150, 'clean', True, False)]) is None


@pytest.mark.parametrize('late', [0, 17, 40])
def test_recovery_is_when_the_gain_is_there(late):
    parts = [Span(0, 50, 'clean', True, False), Span(50, 170, 'fog', False, True)]
    served = trace([0.8] * 50 + [0.3] * late + [0.6] * (120 - late))
    found, = recoveries(served, trace([0.8] * 50 + [0.3] * 120), parts)
    assert late + 7 <= found <= late + 9  # a window of ten frames, of which nine or ten must gain


def test_without_a_gain_there_is_no_recovery():
    parts = [Span(0, 50, 'clean', True, False), Span(50, 170, 'fog', False, True)]
    assert recoveries(trace([0.5] * 170), trace([0.5] * 170), parts) == [None]


def test_alarms_and_delay_come_from_the_events():
    parts = [Span(0, 100, 'clean', True, False), Span(100, 110, 'haze', False, True), Span(110, 150, 'fog', False, True),
             Span(150, 250, 'clean', True, True)]
    told = [Happening(frame, 'shift') for frame in (30, 112, 130, 240)]
    told += [Happening(frame, 'promotion') for frame in (40, 41)]
    served = trace([0.5] * 250, told)
    assert detection_delays(served, parts) == [12]
    assert false_alarms(served, parts) == pytest.approx(10)
    assert measure(served, served, moments([clean(250)], {'day': 999}))['promotions'] == 2
    assert detection_delays(trace([0.5] * 250), parts) == [None]


def test_what_never_came_is_counted_beside_the_median_of_what_did():
    shown = moments([clean(50), steady('fog', 60), clean(50), steady('rain', 60), clean(50)], {'day': 999})
    frozen = trace([0.8] * 50 + [0.3] * 60 + [0.8] * 50 + [0.3] * 60 + [0.8] * 50)
    served = Trace(frozen.counts.copy(), frozen.lost, (Happening(170, 'shift'),))
    served.counts[180:220] = trace([0.6]).counts[0]
    found = measure(served, frozen, shown)
    assert (found['shifts'], found['shifts_found'], found['detection_delay']) == (2, 1, 10)
    assert (found['abrupt_parts'], found['parts_recovered']) == (2, 1) and 20 <= found['recovery'] <= 30


def test_transfer_forgetting_and_harmonic_mean():
    parts = [Span(0, 10, 'clean', True, False), Span(10, 20, 'fog', False, True), Span(20, 30, 'clean', True, True),
             Span(30, 40, 'fog', False, True)]
    served = trace([0.8] * 10 + [0.6] * 10 + [0.7] * 10 + [0.5] * 10)
    frozen = trace([0.8] * 10 + [0.4] * 10 + [0.8] * 10 + [0.4] * 10)
    assert backward_transfer(served, frozen, parts) == pytest.approx(score(0.7) - score(0.8))
    lost = {'clean': 0 - (score(0.7) - score(0.8)), 'fog': score(0.6) - score(0.5)}
    assert forgetting(served, frozen, parts) == pytest.approx(max(lost.values()))
    assert harmonic_mean([20, 60]) == pytest.approx(30)
    assert harmonic_mean([0, 60]) is None and harmonic_mean([]) is None


def test_a_fault_without_labels_leaves_gaps_and_no_nan():
    served = trace([0.5] * 100)
    served.counts[20:60] = 0
    shown = moments([clean(100)], {'day': 999})
    assert all(value is None or np.isfinite(value) for value in measure(served, served, shown).values())


def test_spans_know_leaps_from_ramps():
    shown = moments([clean(5), steady('fog', 5, 0.1), steady('fog', 5, 0.6), clean(5)], {'day': 99})
    assert [(span.start, span.stop, span.clean, span.abrupt) for span in spans(shown)] == [
        (0, 5, True, False), (5, 10, False, False), (10, 15, False, True), (15, 20, True, True)]


def test_blocks_come_from_nearby_in_their_own_part():
    areas = strata([Span(0, 100, 'clean', True, False), *(Span(i, i + 5, 'x', False, True) for i in range(100, 150, 5))], 20)
    assert areas == [(0, 100), (100, 150)]
    places = slots(areas, 10)
    for seed in range(20):
        chosen = resampled(places, np.random.default_rng(seed))
        assert len(chosen) == 150 and (chosen[:100] < 100).all() and (chosen[100:] >= 100).all() and chosen.max() < 150
        assert np.abs(chosen - np.arange(150)).max() <= 20 + 9
        assert all((np.diff(chosen[start:start + 10]) == 1).all() for start in range(0, 150, 10))


def test_the_interval_holds_the_gain_and_narrows_with_less_noise():
    rng = np.random.default_rng(0)
    frozen = trace([0.5] * 200)
    widths = []
    for noise in (0.01, 0.15):
        served = trace(np.clip(0.55 + noise * rng.standard_normal(200), 0, 1))
        low, high = intervals([(served, frozen)], [Span(0, 200, 'fog', False, False)], draws=200)['gain']
        assert low < paired(served.counts, frozen.counts)['gain'] < high
        widths.append(high - low)
    assert widths[0] < widths[1] / 3


def test_a_trace_comes_back_from_its_file(tmp_path):
    own = Trace(trace([0.2, 0.4]).counts, np.array([False, True]), (Happening(1, 'shift', 'fog'),),
                {'entropy': np.array([0.1, np.nan])})
    own.save(tmp_path / 'deep' / 'a.npz')
    back = Trace.load(tmp_path / 'deep' / 'a.npz')
    assert np.array_equal(back.counts, own.counts) and np.array_equal(back.lost, own.lost)
    assert back.happenings == own.happenings
    np.testing.assert_array_equal(back.signals['entropy'], own.signals['entropy'])


def test_the_interval_holds_the_gain_where_a_class_comes_and_goes():
    """One in four blocks shows a class that gains: hardly a window of the stream misses it, drawn ones often do."""
    frames = np.arange(1200)
    own = ((frames // 10) % 4 == 0).astype(int)
    frozen = np.zeros((1200, 3, 2), np.int64)
    frozen[frames, :, own] = (500, 1000, 1000)
    served = frozen.copy()
    served[own == 1, 0, 1] = 900
    pair = tuple(Trace(each, np.zeros(1200, bool)) for each in (served, frozen))
    low, high = intervals([pair], [Span(0, 1200, 'fog', False, False)], draws=100)['gain']
    assert low < paired(served, frozen)['gain'] < high
