"""Signals that need no labels, and how well they tell the true difference."""

from __future__ import annotations

import numpy as np
import pytest

from uda_seg_ros.streams.signals import against_frozen, correlations, rank_correlation
from uda_seg_ros.streams.trace import Trace

from .test_measures import trace


@pytest.mark.parametrize('one, other, expected', [
    ([1, 2, 3, 4, 5], [1, 8, 27, 64, 125], 1), ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], -1),
    ([1, 2, 2, 4, 5], [1, 3, 2, 4, 5], 0.9746794), ([1, 1, 1, 1, 1], [1, 2, 3, 4, 5], None), ([1, 2, 3], [1, 2, 3], None),
    ([1, 2, np.nan, 3, 4, 5, 6], [1, 2, 0, 3, 4, 5, 6], 1)])
def test_rank_correlation(one, other, expected):
    found = rank_correlation(np.array(one, float), np.array(other, float))
    assert found is None if expected is None else found == pytest.approx(expected)


def test_masks_are_compared_pixel_by_pixel_and_class_by_class():
    frozen = np.repeat(np.arange(4, dtype=np.uint8), 8).reshape(4, 8)
    served = np.where(frozen == 3, 2, frozen).astype(np.uint8)
    found = against_frozen(served, frozen, 19)
    assert found['disagreement'] == 0.25 and found['class_count'] == -1
    assert found['class_entropy'] == pytest.approx(-(0.5 * np.log(0.5) + 2 * 0.25 * np.log(0.25)) - np.log(4))
    assert set(against_frozen(frozen, frozen, 19).values()) == {0}


def test_a_signal_that_follows_the_difference_correlates():
    share = np.linspace(0.3, 0.8, 120)
    frozen = Trace(trace([0.5] * 120).counts, np.zeros(120, bool), (), {'brightness': np.ones(120)})
    served = Trace(trace(share.tolist()).counts, np.zeros(120, bool), (), {'good': share, 'inverse': -share})
    found = correlations(served, frozen)
    assert (found['good'], found['inverse'], found['brightness']) == (pytest.approx(1), pytest.approx(-1), None)
