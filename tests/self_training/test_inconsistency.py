from __future__ import annotations

import pytest
import torch

from uda_seg_ros.config import ConfigError, from_mapping
from uda_seg_ros.self_training.inconsistency import Inconsistency, Weighting, class_weights


def counted(teacher, student, num_classes=4, **weighting) -> Inconsistency:
    inconsistency = Inconsistency(num_classes, Weighting(**weighting))
    inconsistency.count(torch.tensor([teacher]), torch.tensor([student]))
    return inconsistency


def test_it_is_one_minus_the_iou_of_the_two_networks():
    """Class 0: agreed on 1 of the 2 that either claims; class 1: 2 of 3; class 2: 0 of 1; class 3: nobody's."""
    inconsistency = counted([0, 0, 1, 1], [0, 2, 1, 1])
    inconsistency.count(torch.tensor([1]), torch.tensor([0]))
    seen = torch.tensor([1 - 1 / 3, 1 - 2 / 3, 1.0])
    assert torch.allclose(inconsistency.per_class(), torch.cat([seen, seen.mean()[None]]))


def test_counting_in_pieces_is_counting_at_once():
    torch.manual_seed(0)
    teacher, student = torch.randint(4, (2, 6, 8, 8))
    whole, pieces = (Inconsistency(4, Weighting()) for _ in range(2))
    whole.count(teacher, student)
    for pair in zip(teacher, student):
        pieces.count(*pair)
    assert torch.equal(whole.per_class(), pieces.per_class())


def test_relative_weights_have_mean_1_before_they_are_clipped():
    values = torch.tensor([0.3, 0.2, 0.4, 0.3])
    weights = class_weights(values, Weighting())
    assert torch.allclose(weights, values / 0.3) and weights.mean() == pytest.approx(1)
    assert class_weights(torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0]), Weighting()).tolist() == [0.5, 0.5, 0.5, 0.5, 3.0]


def test_softmax_weights_sum_to_the_number_of_classes():
    values = torch.tensor([0.1, 0.6, 0.9])
    weights = class_weights(values, Weighting('softmax', temperature=0.5))
    assert torch.allclose(weights, 3 * (2 * values).exp() / (2 * values).exp().sum())


@pytest.mark.parametrize('kind', ['relative', 'softmax', 'none'])
@pytest.mark.parametrize('teacher, student', [([0, 1, 2], [0, 1, 2]), ([], []), ([0, 0, 0], [0, 0, 0])])
def test_where_nothing_differs_all_weights_are_1(kind, teacher, student):
    inconsistency = Inconsistency(4, Weighting(kind))
    inconsistency.count(torch.tensor([teacher], dtype=torch.int64), torch.tensor([student], dtype=torch.int64))
    inconsistency.refresh()
    assert torch.allclose(inconsistency.weight, torch.ones(4))


@pytest.mark.parametrize('kind', ['relative', 'softmax'])
def test_absent_classes_get_finite_weights_and_poorly_adapted_ones_the_greatest(kind):
    inconsistency = counted([0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 1], kind=kind)
    inconsistency.refresh()
    assert inconsistency.weight.isfinite().all() and (inconsistency.weight > 0).all()
    assert inconsistency.weight[1] == inconsistency.weight.max() > inconsistency.weight[0]
    assert torch.equal(inconsistency.weight[2], inconsistency.weight[3])


def test_after_a_refresh_counting_starts_anew():
    inconsistency = counted([0, 0, 1], [1, 1, 1])
    inconsistency.refresh()
    assert inconsistency.claimed.sum() == 0 and inconsistency.agreed.sum() == 0


def test_the_counts_of_all_processes_make_the_weights(monkeypatch):
    alone, other = counted([0, 0, 1], [0, 1, 1]), counted([2, 2, 3], [2, 3, 0])
    alone.count(torch.tensor([2, 2, 3]), torch.tensor([2, 3, 0]))
    alone.refresh()
    theirs = torch.stack((other.agreed, other.claimed))
    monkeypatch.setattr('torch.distributed.is_initialized', lambda: True)
    monkeypatch.setattr('torch.distributed.all_reduce', lambda tensor: tensor.add_(theirs))
    both = counted([0, 0, 1], [0, 1, 1])
    both.refresh()
    assert torch.equal(both.weight, alone.weight)


@pytest.mark.parametrize('wrong', [{'least': 1.5}, {'most': 0.9}, {'temperature': 0.0}, {'kind': 'relativ'}])
def test_settings_without_meaning_are_refused(wrong):
    with pytest.raises(ConfigError, match='weighting'):
        from_mapping(Weighting, wrong, 'weighting')
