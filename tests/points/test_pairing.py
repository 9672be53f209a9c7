"""Clouds and masks that come at different rates, late, and not at all."""

from __future__ import annotations

import pytest

from uda_seg_ros.points.pairing import Pairing

MS = 1_000_000


def cloud_at(pairing: Pairing, *times_ms: int) -> None:
    for time_ms in times_ms:
        pairing.add_cloud(time_ms * MS, f'cloud {time_ms}')


def mask_at(pairing: Pairing, time_ms: int, meanwhile: tuple[int, ...] = ()) -> None:
    """A picture is taken, clouds come while it is segmented, its mask is there."""
    pairing.expect(time_ms * MS)
    cloud_at(pairing, *meanwhile)
    pairing.add_mask(time_ms * MS, f'mask {time_ms}')


@pytest.mark.parametrize('cloud_first', [True, False])
def test_cloud_and_mask_of_one_moment_meet_in_either_order(cloud_first):
    pairing = Pairing()
    if cloud_first:
        cloud_at(pairing, 100)
        assert pairing.take(0) is None
    mask_at(pairing, 100)
    if not cloud_first:
        assert pairing.take(0) is None
        cloud_at(pairing, 100)
    assert pairing.take(0) == ('cloud 100', 'mask 100')
    assert pairing.take(0) is None, 'a cloud is served once'


def test_a_slow_network_still_finds_the_cloud_of_its_picture():
    pairing = Pairing()
    cloud_at(pairing, 0, 33)
    mask_at(pairing, 33, meanwhile=tuple(range(66, 700, 33)))
    assert pairing.take(10 * MS) == ('cloud 33', 'mask 33')


def test_a_slow_network_waits_for_the_cloud_that_comes_after_its_picture():
    pairing = Pairing()
    mask_at(pairing, 40, meanwhile=tuple(range(0, 700, 33)))
    assert pairing.take(10 * MS) == ('cloud 33', 'mask 40')


def test_what_is_further_apart_than_the_tolerance_does_not_meet_and_the_distance_is_told():
    pairing = Pairing()
    cloud_at(pairing, 100)
    mask_at(pairing, 160)
    assert pairing.take(50 * MS) is None
    assert pairing.nearest_ns == 60 * MS
    assert pairing.take(60 * MS) == ('cloud 100', 'mask 160')


def test_the_newest_pair_wins_and_older_clouds_are_counted():
    pairing = Pairing()
    cloud_at(pairing, 0, 100)
    mask_at(pairing, 0)
    mask_at(pairing, 100)
    assert pairing.take(10 * MS) == ('cloud 100', 'mask 100')
    assert pairing.take(10 * MS) is None
    assert pairing.unmatched == 1


def test_a_cloud_meets_the_nearest_mask_not_the_newest():
    pairing = Pairing()
    for time_ms in (66, 100, 133):
        mask_at(pairing, time_ms)
    cloud_at(pairing, 105)
    assert pairing.take(50 * MS) == ('cloud 105', 'mask 100')


def test_a_newer_cloud_does_not_take_a_mask_from_the_one_that_it_fits():
    pairing = Pairing()
    mask_at(pairing, 0, meanwhile=(0, 33, 66))
    assert pairing.take(1000 * MS) == ('cloud 0', 'mask 0')


def test_memory_is_bounded_whatever_comes():
    pairing = Pairing()
    for time_ms in range(0, 10_000, 10):
        cloud_at(pairing, time_ms)
        if time_ms % 70 == 0:
            mask_at(pairing, time_ms + 5_000_000)
    assert len(pairing._waiting()) <= 4 and len(pairing._masks) <= 4
    assert pairing.unmatched >= 990


def test_nothing_is_left_after_a_clear():
    pairing = Pairing()
    cloud_at(pairing, 1)
    mask_at(pairing, 1)
    pairing.clear()
    assert pairing.take(1000 * MS) is None
