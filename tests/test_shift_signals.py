"""Signals are the formulas they are said to be."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from uda_seg_ros.shift_signals import Moments, doubt, feature_distance, feature_moments, picture_signals, pixel_entropy


def test_feature_moments_are_those_of_each_picture_and_channel():
    layer = torch.randn(2, 3, 5, 7)
    moments = feature_moments((layer, layer[:, :1]))
    assert len(moments) == 2 and len(moments[0]) == 2
    torch.testing.assert_close(moments[1][0].mean, layer[1].mean((1, 2)))
    torch.testing.assert_close(moments[1][0].var, layer[1].flatten(1).var(1, unbiased=False))


def test_the_feature_distance_is_the_divergence_of_normal_distributions():
    here = [Moments(torch.tensor([1.0, 0.0]), torch.tensor([4.0, 1.0])), Moments(torch.tensor([0.5]), torch.tensor([1.0]))]
    source = [Moments(torch.tensor([0.0, 0.0]), torch.tensor([1.0, 1.0])), Moments(torch.tensor([0.5]), torch.tensor([1.0]))]
    first = sum(torch.distributions.kl_divergence(
        torch.distributions.Normal(here[0].mean, here[0].var.sqrt()),
        torch.distributions.Normal(source[0].mean, source[0].var.sqrt())).tolist())
    assert feature_distance(here, source) == pytest.approx(first / 2)
    assert feature_distance(source, source) == 0


def test_a_dead_channel_makes_no_infinity():
    dead = [Moments(torch.zeros(1), torch.zeros(1))]
    assert feature_distance(dead, dead) == 0
    assert np.isfinite(feature_distance([Moments(torch.ones(1), torch.ones(1))], dead))


def test_the_entropy_is_1_where_all_classes_are_alike_and_0_where_one_is_certain():
    logits = torch.zeros(1, 4, 1, 2)
    logits[0, 2, 0, 1] = 100
    torch.testing.assert_close(pixel_entropy(logits), torch.tensor([[[1.0, 0.0]]]))


@pytest.mark.parametrize(('pixels', 'expected'), [
    ([(1, 0, 0, 0), (0, 1, 0, 0)], 0), ([(1, 0, 0, 0), (1, 0, 0, 0)], 1), ([(0.25,) * 4, (0.25,) * 4], 1),
    ([(1, 0, 0, 0), (0, 0.5, 0.5, 0)], 1 / 3), ([(0.5, 0.5, 0, 0), (0, 0, 0.5, 0.5)], 1 / 2)],
    ids=['sure of two', 'sure of one', 'knows nothing', 'half sure', 'halves in doubt'])
def test_the_doubt_is_what_a_pixel_leaves_open_of_the_classes(pixels, expected):
    probs = torch.tensor(pixels, dtype=torch.float32).T[None, :, :, None]
    assert float(doubt(probs)) == pytest.approx(expected, abs=1e-5)


def test_picture_signals_follow_what_is_done_to_a_picture():
    picture = np.random.default_rng(0).integers(40, 200, (60, 80, 3), np.uint8)
    brightness, contrast, high_frequency, sharpness = picture_signals(picture)
    darker = picture_signals(picture // 2)
    blurred = picture_signals(cv2.GaussianBlur(picture, (0, 0), 2))
    assert darker[0] == pytest.approx(brightness / 2, abs=0.01) and darker[1] == pytest.approx(contrast / 2, abs=0.01)
    assert darker[2] == pytest.approx(high_frequency, rel=0.05)
    assert blurred[2] < high_frequency / 4 and blurred[3] < sharpness / 4
    assert picture_signals(np.full((9, 9, 3), 255, np.uint8)) == (1, 0, 0, 0)
