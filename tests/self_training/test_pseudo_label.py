"""Pseudo-labels, the weight of their image, and DiGA's consensus (the first acceptance tests of its specification)."""

from __future__ import annotations

import pytest
import torch

from uda_seg_ros.labels import IGNORE
from uda_seg_ros.self_training.centroids import Centroids
from uda_seg_ros.self_training.pseudo_label import clear_borders, confident_share, consensus, ensemble, pseudo_label


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_the_label_is_the_most_probable_class_and_the_confidence_its_probability(dtype):
    logits = torch.randn(2, 5, 4, 6).to(dtype)
    label, confidence = pseudo_label(logits)
    assert label.dtype == torch.int64 and label.shape == (2, 4, 6) and torch.equal(label, logits.argmax(1))
    torch.testing.assert_close(confidence, logits.float().softmax(1).gather(1, label[:, None])[:, 0])
    assert confidence.dtype == torch.float32


def test_an_ensemble_is_the_mean_of_the_probabilities_not_of_the_logits():
    sure, unsure = torch.tensor([10.0, 0.0]).view(1, 2, 1, 1), torch.tensor([0.0, 0.5]).view(1, 2, 1, 1)
    expected = (sure.softmax(1) + unsure.softmax(1)) / 2
    torch.testing.assert_close(ensemble([sure, unsure]), expected)


@pytest.mark.parametrize('per, expected', [('batch', [0.375, 0.375]), ('image', [0.25, 0.5])])
def test_the_share_of_confident_pixels_is_of_the_batch_or_of_each_image(per, expected):
    confidence = torch.tensor([[[0.99, 0.5], [0.9, 0.967]], [[0.968, 1.0], [0.1, 0.2]]])
    share = confident_share(confidence, 0.968, per)
    assert share.shape == (2, 1, 1)
    torch.testing.assert_close(share.flatten(), torch.tensor(expected))
    assert (torch.ones(2, 2, 2) * share).shape == (2, 2, 2)


def test_consensus_is_the_first_opinion_or_ignore_at_every_pixel():
    first, second = torch.randint(5, (2, 8, 8)), torch.randint(5, (2, 8, 8))
    agreed = consensus(first, second)
    assert torch.equal(agreed == IGNORE, first != second)
    assert torch.equal(agreed[first == second], first[first == second])


def clusters(num_classes: int, per_class: int, spread: float) -> tuple[torch.Tensor, torch.Tensor]:
    """(features 1xDxCxN, label 1xCxN): a row of pixels for each class around its own place."""
    places = torch.eye(num_classes)[:, :, None] * 10
    features = places.expand(-1, -1, per_class) + spread * torch.randn(num_classes, num_classes, per_class)
    return features.transpose(0, 1)[None], torch.arange(num_classes)[None, :, None].expand(1, -1, per_class).contiguous()


def test_perfectly_clustered_features_agree_everywhere_with_their_class_means():
    features, label = clusters(7, 20, 0.01)
    centroids = Centroids(7, 7)
    centroids.estimate(features, label)
    assert torch.equal(consensus(label, centroids.nearest(features)), label)


def test_random_centroids_agree_about_once_in_the_number_of_classes():
    num_classes, features = 8, torch.randn(1, 16, 64, 64)
    centroids = Centroids(num_classes, 16)
    accepted = []
    for _ in range(40):
        centroids.vectors.copy_(torch.randn(num_classes, 16))
        centroids.count.fill_(1)
        agreed = consensus(torch.randint(num_classes, (1, 64, 64)), centroids.nearest(features))
        accepted.append((agreed != IGNORE).float().mean())
    assert torch.stack(accepted).mean().item() == pytest.approx(1 / num_classes, rel=0.05)


@pytest.mark.parametrize('borders, rows, columns', [
    ({}, 6, 8), ({'top': 1}, 5, 8), ({'bottom': 2}, 4, 8), ({'left': 3, 'right': 1}, 6, 4), ({'bottom': 9}, 0, 8),
    ({'top': 9}, 0, 8), ({'right': 11}, 6, 0)])
def test_borders_are_cleared_in_a_copy(borders, rows, columns):
    weight = torch.ones(2, 6, 8)
    assert clear_borders(weight, **borders).sum() == 2 * rows * columns
    assert weight.sum() == 2 * 6 * 8


def test_the_right_border_is_cleared():
    cleared = clear_borders(torch.ones(1, 4, 4), bottom=1, right=1)[0]
    assert cleared[:3, :3].all() and not cleared[3].any() and not cleared[:, 3].any()
