import math

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from uda_seg_ros.labels import IGNORE
from uda_seg_ros.runtime.postprocess import Postprocessor, Want, on_device

SIZES = [((16, 32), (120, 160)), ((16, 32), (16, 32)), ((30, 40), (17, 23)), ((4, 8), (97, 61)), ((1, 1), (5, 7))]
WAYS = {'cpu': lambda: Postprocessor(), 'device': lambda: on_device}


def logits(shape, num_classes=19, scale=6.0, seed=0):
    """Smooth logits, as of a trained network: large areas of one class."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, scale, (num_classes, 4, 5)).astype(np.float32)
    return torch.from_numpy(np.stack([cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_CUBIC) for plane in coarse]))


def exact(values, size):
    """Full-size mask, confidence 0..1 and entropy 0..1 by the plain way: interpolate all logits, then decide."""
    full = functional.interpolate(values[None].double(), size=size, mode='bilinear', align_corners=False)[0]
    probs = full.softmax(0)
    entropy = -(probs * full.log_softmax(0)).sum(0) / math.log(max(len(values), 2))
    return full.argmax(0).numpy(), probs.amax(0).numpy(), entropy.numpy()


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('shape, size', SIZES)
@pytest.mark.parametrize('num_classes', [1, 2, 19, 254])
def test_agrees_with_interpolating_all_logits(way, shape, size, num_classes):
    values = logits(shape, num_classes)
    mask, probability, entropy = exact(values, size)
    answer = WAYS[way]()(values.to(memory_format=torch.contiguous_format), size, Want(True, True))
    assert (answer.mask == mask).mean() >= 0.9999 or (answer.mask != mask).sum() <= 1
    np.testing.assert_allclose(answer.confidence, probability * 255, atol=0.51)
    np.testing.assert_allclose(answer.entropy, entropy, atol=2e-5)
    assert (answer.mask.dtype, answer.confidence.dtype, answer.entropy.dtype) == (np.uint8, np.uint8, np.float32)


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('want', [Want(), Want(confidence=True), Want(entropy=True), Want(threshold=0.5)])
def test_makes_only_what_is_asked_for(way, want):
    answer = WAYS[way]()(logits((8, 16)), (40, 60), want)
    assert (answer.confidence is not None, answer.entropy is not None) == (want.confidence, want.entropy)


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('threshold', [0.0, 0.4, 0.8, 1.0])
def test_pixels_below_the_threshold_are_ignored(way, threshold):
    values = logits((16, 32), scale=2.0)
    mask, probability, _ = exact(values, (60, 80))
    answer = WAYS[way]()(values, (60, 80), Want(threshold=threshold))
    sure = np.abs(probability - threshold) > 1e-5  # on the very edge either answer is right
    np.testing.assert_array_equal(answer.mask[sure], np.where(probability < threshold, IGNORE, mask)[sure])
    assert threshold == 0 or (answer.mask == IGNORE).any()


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('scale', [1e-3, 100.0, 1e4])
def test_extreme_logits_stay_finite(way, scale):
    values = logits((16, 32), scale=scale)
    mask, _, _ = exact(values, (60, 80))
    answer = WAYS[way]()(values, (60, 80), Want(True, True, 0.01))
    decided = answer.mask != IGNORE
    assert (answer.mask == mask)[decided].mean() >= 0.9999
    assert np.isfinite(answer.entropy).all()
    assert 0 <= answer.entropy.min() <= answer.entropy.max() <= 1


def test_answers_do_not_share_memory():
    postprocessor = Postprocessor()
    first = postprocessor(logits((8, 16)), (40, 60), Want(True, True))
    kept = [array.copy() for array in first]
    postprocessor(logits((8, 16), seed=1), (40, 60), Want(True, True))
    for array, copy in zip(first, kept):
        np.testing.assert_array_equal(array, copy)


def test_many_sizes_do_not_pile_up():
    postprocessor = Postprocessor()
    for height in range(10, 30):
        postprocessor(logits((8, 16)), (height, 20), Want())
    assert len(postprocessor._planes) <= 4
