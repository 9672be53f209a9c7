from __future__ import annotations

import numpy as np
import pytest
import torch

from offline.default_bundle.losses import class_weights, cross_entropy, dice
from uda_seg_ros.labels import IGNORE


def logits_for(label: torch.Tensor, num_classes: int, margin: float) -> torch.Tensor:
    clean = label.where(label != IGNORE, 0)
    return margin * torch.nn.functional.one_hot(clean, num_classes).movedim(-1, 1).float()


@pytest.fixture
def label():
    label = torch.tensor([[[0, 0, 0, 0], [1, 1, 2, IGNORE]]])
    return label.repeat(2, 8, 8)


@pytest.mark.parametrize('loss', [lambda x, y: cross_entropy(x, y, torch.ones(4)), dice], ids=['cross-entropy', 'dice'])
def test_a_loss_is_about_0_when_right_and_greater_when_wrong(loss, label):
    right, wrong = loss(logits_for(label, 4, 20.0), label), loss(logits_for((label + 1) % 4, 4, 20.0), label)
    assert 0 <= right < 0.01 and wrong > 0.9


@pytest.mark.parametrize('loss', [lambda x, y: cross_entropy(x, y, torch.ones(4)), dice], ids=['cross-entropy', 'dice'])
def test_pixels_to_ignore_move_nothing(loss, label):
    logits = torch.randn(2, 4, 16, 32, requires_grad=True)
    loss(logits, label).backward()
    assert logits.grad.movedim(1, -1)[label == IGNORE].abs().max() == 0
    assert logits.grad.movedim(1, -1)[label != IGNORE].abs().max() > 0


def test_dice_counts_a_rare_class_as_much_as_a_frequent_one(label):
    """All pixels of one class wrong cost the same, whether there are many of them or few."""
    frequent, rare = label.where(label != 0, 3), label.where(label != 2, 3)
    costs = [float(dice(logits_for(wrong, 4, 20.0), label)) for wrong in (frequent, rare)]
    assert costs[0] == pytest.approx(costs[1], abs=0.01) == pytest.approx(1 / 3, abs=0.01)


def test_rare_classes_weigh_more_up_to_the_heaviest_and_absent_ones_1():
    labels = np.zeros((1, 100, 100), np.uint8)
    labels[0, 0, :1], labels[0, 1, :25], labels[0, 2] = 1, 2, IGNORE
    weights = class_weights(labels, 4, balance=0.5, heaviest=10.0)
    assert weights[0] == 1 and weights[1] == 10 and weights[3] == 1
    assert weights[2] == pytest.approx((9874 / 25) ** 0.5, abs=0.1) or weights[2] == 10
