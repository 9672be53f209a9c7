import math

import numpy as np
import pytest

from uda_seg_ros.labels import IGNORE
from uda_seg_ros.metrics import calibration_error, confusion, iou, mean_iou, pixel_accuracy, reliability, reliability_bins


def naive(label, mask, num_classes):
    matrix = np.zeros((num_classes, num_classes + 1), np.int64)
    for true, predicted in zip(label.ravel().tolist(), mask.ravel().tolist()):
        if true < num_classes:
            matrix[true, min(predicted, num_classes)] += 1
    return matrix


def naive_iou(label, mask, train_id, num_classes):
    valid = label < num_classes
    intersection = ((label == train_id) & (mask == train_id) & valid).sum()
    union = (((label == train_id) | (mask == train_id)) & valid).sum()
    return intersection / union if union else math.nan


@pytest.mark.parametrize('num_classes', [1, 2, 11, 19, 254])
@pytest.mark.parametrize('seed', range(3))
def test_counts_as_a_naive_loop_does(num_classes, seed):
    rng = np.random.default_rng(seed)
    values = np.array([*range(min(num_classes, 6)), IGNORE], np.uint8)
    label, mask = rng.choice(values, (2, 23, 31))
    matrix = confusion(label, mask, num_classes)
    np.testing.assert_array_equal(matrix, naive(label, mask, num_classes))
    expected = [naive_iou(label, mask, train_id, num_classes) for train_id in range(num_classes)]
    np.testing.assert_allclose(iou(matrix), expected)
    present = [value for train_id, value in enumerate(expected) if (label == train_id).any()]
    assert mean_iou(matrix) == pytest.approx(np.mean(present))


def test_matrices_of_frames_add_up():
    label, mask = np.random.default_rng(0).integers(0, 5, (2, 8, 8, 8)).astype(np.uint8)
    whole = confusion(label, mask, 5)
    np.testing.assert_array_equal(whole, sum(confusion(one, other, 5) for one, other in zip(label, mask)))


def test_a_class_that_is_nowhere_is_not_a_number_and_one_only_predicted_costs_the_others():
    label = np.array([[0, 0, 1, 1]], np.uint8)
    matrix = confusion(label, np.array([[0, 0, 1, 2]], np.uint8), 4)
    np.testing.assert_array_equal(iou(matrix), [1, 0.5, 0, np.nan])
    assert mean_iou(matrix) == 0.75


def test_an_ignored_prediction_is_a_miss_and_an_ignored_label_does_not_count():
    matrix = confusion(np.array([[0, 0, IGNORE]], np.uint8), np.array([[0, IGNORE, 0]], np.uint8), 2)
    np.testing.assert_array_equal(matrix, [[1, 0, 1], [0, 0, 0]])
    assert mean_iou(matrix) == 0.5


def test_without_labels_there_is_no_mean():
    assert math.isnan(mean_iou(confusion(np.full((2, 2), IGNORE, np.uint8), np.zeros((2, 2), np.uint8), 3)))


def test_the_calibration_error_is_that_of_the_example_worked_out_by_hand():
    """Five bins. Confidence 0.2: 1 of 2 right. 0.6: 3 of 4. 1.0: 2 of 4. One pixel more has no label."""
    confidence = np.array([[51] * 2 + [153] * 4 + [255] * 4 + [255]], np.uint8)
    label = np.array([[0] * 10 + [IGNORE]], np.uint8)
    mask = np.array([[0, 1, 0, 0, 0, 1, 0, 0, 1, IGNORE, 0]], np.uint8)
    counts = reliability(label, mask, confidence, 2)
    of_bins, accuracy, share = reliability_bins(counts, 5)
    np.testing.assert_allclose(of_bins, [0.2, np.nan, 0.6, np.nan, 1.0])
    np.testing.assert_allclose(accuracy, [0.5, np.nan, 0.75, np.nan, 0.5])
    np.testing.assert_allclose(share, [0.2, 0, 0.4, 0, 0.4])
    assert calibration_error(counts, 5) == pytest.approx(0.2 * 0.3 + 0.4 * 0.15 + 0.4 * 0.5)


def test_fifteen_bins_hold_their_upper_bounds_and_nothing_is_lost():
    label = np.zeros((1, 256), np.uint8)
    counts = reliability(label, label, np.arange(256, dtype=np.uint8)[None], 1)
    confidence, accuracy, share = reliability_bins(counts)
    np.testing.assert_allclose(share * 256, [18] + [17] * 14)
    assert (accuracy == 1).all() and (confidence <= np.arange(1, 16) / 15 + 1e-9).all()
    assert confidence[0] == pytest.approx(np.arange(18).mean() / 255)


def test_reliability_of_frames_adds_up_and_without_labels_there_is_no_error():
    label, mask, confidence = np.random.default_rng(0).integers(0, 5, (3, 4, 8, 8)).astype(np.uint8)
    whole = reliability(label, mask, confidence * 60, 5)
    np.testing.assert_array_equal(whole, sum(reliability(*each, 5) for each in zip(label, mask, confidence * 60)))
    assert math.isnan(calibration_error(np.zeros((256, 2), np.int64)))


def test_pixel_accuracy_is_the_share_of_hits():
    assert pixel_accuracy(np.array([[3, 1, 0], [0, 2, 2]])) == 5 / 8
    assert math.isnan(pixel_accuracy(np.zeros((2, 3), np.int64)))
