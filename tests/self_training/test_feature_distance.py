from __future__ import annotations

import pytest
import torch

from uda_seg_ros.labels import IGNORE
from uda_seg_ros.self_training.feature_distance import cells_of, feature_distance


def test_a_cell_counts_where_one_thing_class_fills_three_quarters_of_it():
    label = torch.full((1, 4, 20), IGNORE)
    label[..., :3] = 11        # 12 of 16 pixels
    label[..., 4:6] = 11       # half, and the other half of another thing
    label[..., 6:8] = 13
    label[..., 8:12] = 0       # no thing
    label[..., 12:16] = 13     # all
    assert cells_of(label, (11, 13), (1, 5)).tolist() == [[[True, False, False, True, False]]]


def test_it_is_the_mean_distance_over_the_cells():
    features, initial = torch.zeros(1, 2, 1, 3), torch.tensor([[3.0, 4.0], [6.0, 8.0], [99.0, 99.0]]).T[None, :, None]
    cells = torch.tensor([[[True, True, False]]])
    assert feature_distance(features, initial, cells).item() == pytest.approx(7.5)


def test_without_a_cell_it_is_0_and_its_gradient_0():
    features = torch.randn(1, 2, 3, 3, requires_grad=True)
    loss = feature_distance(features, torch.randn(1, 2, 3, 3), torch.zeros(1, 3, 3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0 and (features.grad == 0).all()


def test_equal_features_give_a_finite_gradient_and_the_first_ones_none():
    features, initial = (torch.ones(1, 2, 3, 3, requires_grad=True) for _ in range(2))
    loss = feature_distance(features, initial, torch.ones(1, 3, 3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-5)
    assert features.grad.isfinite().all() and initial.grad is None
