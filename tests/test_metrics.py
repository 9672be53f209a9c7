import math

import numpy as np
import pytest

from uda_seg_ros.labels import IGNORE
from uda_seg_ros.metrics import confusion, iou, mean_iou


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
