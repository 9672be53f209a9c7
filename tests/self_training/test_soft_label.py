from __future__ import annotations

import pytest
import torch

from uda_seg_ros.labels import IGNORE
from uda_seg_ros.self_training.losses import cross_entropy, soft_cross_entropy_map
from uda_seg_ros.self_training.soft_label import label_share_at, one_hot, soft_label


@pytest.fixture
def label() -> torch.Tensor:
    label = torch.randint(5, (2, 6, 7), generator=torch.Generator().manual_seed(0))
    label[0, :2] = IGNORE
    return label


@pytest.fixture
def probs() -> torch.Tensor:
    return (2 * torch.randn(2, 5, 6, 7, generator=torch.Generator().manual_seed(1))).softmax(1)


@pytest.mark.parametrize('share', [0.0, 0.6, 0.8, 1.0])
@pytest.mark.parametrize('guard_below', [0.0, 0.1])
def test_soft_labels_sum_to_1_and_are_the_teachers_probs_on_ignore(label, probs, share, guard_below):
    soft = soft_label(label, probs, share, guard_below)
    assert torch.allclose(soft.sum(1), torch.ones(2, 6, 7)) and (soft >= 0).all()
    assert torch.equal(soft.movedim(1, -1)[label == IGNORE], probs.movedim(1, -1)[label == IGNORE])


def test_the_loss_is_the_shares_mixture_of_both_cross_entropies(label, probs):
    label = label.clamp(max=4)
    logits = torch.randn(2, 5, 6, 7)
    loss = soft_cross_entropy_map(soft_label(label, probs, 0.8), logits).mean()
    expected = 0.8 * cross_entropy(logits, label) + 0.2 * soft_cross_entropy_map(probs, logits).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_label_counts_in_full_where_the_teacher_errs_widely(label):
    label = torch.tensor([[[0, 0, 0]]])
    probs = torch.tensor([[0.05, 0.9, 0.05], [0.15, 0.8, 0.05], [0.6, 0.3, 0.1]]).T[None, :, None]
    soft = soft_label(label, probs, 0.8, guard_below=0.1)
    assert soft[0, 0, 0] == pytest.approx(torch.tensor([1.0, 0.8 + 0.2 * 0.15, 0.8 + 0.2 * 0.6]))
    assert soft_label(label, probs, 0.8)[0, 0, 0, 0].item() == pytest.approx(0.8 + 0.2 * 0.05)


def test_no_gradient_reaches_the_teachers_probs(label):
    logits = torch.randn(2, 5, 6, 7, requires_grad=True)
    assert not soft_label(label, logits.softmax(1), 0.8).requires_grad


def test_one_hot_has_a_1_at_the_label():
    label = torch.randint(5, (2, 6, 7))
    assert torch.equal(one_hot(label, torch.empty(2, 5, 6, 7)).argmax(1), label)


@pytest.mark.parametrize('step, share', [(0, 1.0), (1000, 0.9), (2000, 0.8), (90_000, 0.8)])
def test_the_labels_share_is_ramped_from_1(step, share):
    assert label_share_at(step, 0.8, 2000) == pytest.approx(share)
