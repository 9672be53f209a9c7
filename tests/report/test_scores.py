"""Masks are compared in the labels' classes, segment by segment."""

from __future__ import annotations

import numpy as np
import pytest

from uda_seg_ros.labels import CAMVID, CITYSCAPES, IGNORE
from uda_seg_ros.report.scores import Scores


def ids(space, *names):
    """A label of one pixel column a name."""
    return np.array([[space.names.index(name) if name else IGNORE for name in names]], np.uint8)


def test_masks_are_brought_to_the_classes_of_the_labels():
    scores = Scores(CITYSCAPES, CAMVID)
    mask = ids(CITYSCAPES, 'sidewalk', 'truck', 'vegetation', 'sky')
    assert scores.add('day', ids(CAMVID, 'pavement', 'car', 'tree', 'sky'), mask) == 100
    assert scores.miou() == {'day': 100}


def test_each_segment_has_its_own_score_and_unlabelled_pixels_do_not_count():
    scores = Scores(CITYSCAPES, CITYSCAPES)
    right, wrong = ids(CITYSCAPES, 'road', 'car'), ids(CITYSCAPES, 'road', 'road')
    scores.add('clear', right, right)
    assert scores.add('fog', right, wrong) == pytest.approx(25)  # road 1/2, car 0
    assert scores.add('fog', ids(CITYSCAPES, 'road', ''), wrong) == 100
    assert scores.miou() == {'clear': 100, 'fog': pytest.approx(100 * (2 / 3 + 0) / 2)}
    assert scores.iou()['fog'] == {'road': pytest.approx(200 / 3), 'car': 0}
    assert scores.frames == {'clear': 1, 'fog': 2}
    assert scores.miou_of_all() == pytest.approx(100 * (3 / 4 + 1 / 2) / 2)


def test_a_mask_of_another_size_is_compared_at_the_label_s():
    label = np.repeat(np.repeat(ids(CITYSCAPES, 'road', 'car'), 4, axis=0), 4, axis=1)
    assert Scores(CITYSCAPES, CITYSCAPES).add('all', label, ids(CITYSCAPES, 'road', 'car')) == 100


def test_nothing_labelled_is_no_score():
    scores = Scores(CITYSCAPES, CITYSCAPES)
    assert np.isnan(scores.miou_of_all())
    assert np.isnan(scores.add('all', ids(CITYSCAPES, ''), ids(CITYSCAPES, 'road')))
