"""Counting what did not arrive, by the stamps of what did."""

from __future__ import annotations

import math

import pytest

from uda_seg_ros.ros.rates import Durations, Rate, Spacing

PERIOD_NS = 33_333_333


@pytest.mark.parametrize(('arriving', 'lost'), [
    (range(90), 0),
    ([n for n in range(90) if n not in (40, 41, 60)], 3),
    ([n for n in range(90) if n % 3 != 2 or n < 30], 19),  # the last one missing leaves no gap
    ([*range(30), *range(200, 230)], 0),  # a pause, not a loss
], ids=['all', 'three missing', 'every third missing', 'a pause'])
def test_lost_frames_are_counted_by_the_gaps_between_stamps(arriving, lost):
    spacing = Spacing()
    for number in arriving:
        jitter_ns = (-1) ** number * 2_000_000
        assert spacing.add(number * PERIOD_NS + jitter_ns)
    assert spacing.lost == lost


def test_stamps_that_go_back_start_over():
    spacing = Spacing()
    assert all(spacing.add(number * PERIOD_NS) for number in range(20))
    assert not spacing.add(0)
    assert all(spacing.add(number * PERIOD_NS) for number in range(1, 20))
    assert (spacing.lost, spacing.loops) == (0, 1)


def test_stamps_that_are_never_set_count_as_nothing_lost():
    spacing = Spacing()
    assert all(spacing.add(0) for _ in range(50))
    assert spacing.lost == 0


def test_a_rate_is_that_of_the_last_events_and_ends_with_them():
    rate = Rate()
    assert rate.hz(0) == 0
    for number in range(30):
        rate.tick(number * PERIOD_NS)
    assert rate.hz(30 * PERIOD_NS) == pytest.approx(30, rel=0.01)
    assert rate.hz(30 * PERIOD_NS + 3_000_000_000) == 0


def test_percentiles_of_nothing_are_not_a_number():
    durations = Durations()
    assert math.isnan(durations.percentile(50))
    for value in range(101):
        durations.add(value)
    assert durations.percentile(50) == pytest.approx(56, abs=1)  # of the last 90
