"""Class centroids: running means, slow pursuit, nearest class."""

from __future__ import annotations

import pytest
import torch

from uda_seg_ros.labels import IGNORE
from uda_seg_ros.self_training.centroids import FEWEST_PIXELS, MOST_COUNTED, Centroids, class_means


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_class_means_are_of_each_image_and_without_ignored_pixels():
    features, label = torch.randn(2, 3, 6, 6), torch.randint(4, (2, 6, 6))
    label[0, :2], label[1] = IGNORE, torch.where(label[1] == 2, 0, label[1])
    means, seen = class_means(features, label, 4)
    for image in range(2):
        for train_id in range(4):
            member = label[image] == train_id
            assert seen[image, train_id] == (member.sum() >= FEWEST_PIXELS)
            if member.any():
                torch.testing.assert_close(means[image, train_id], features[image][:, member].mean(1))
    assert not seen[1, 2] and means.isfinite().all()


def test_class_means_are_exact_under_autocast():
    features, label = 100 + torch.rand(1, 4, 64, 64), torch.zeros(1, 64, 64, dtype=torch.int64)
    with torch.autocast('cpu', torch.bfloat16):
        means, _ = class_means(features, label, 2)
    torch.testing.assert_close(means[0, 0], features[0].flatten(1).mean(1), rtol=1e-5, atol=0)


@pytest.mark.parametrize('pixels, counted', [(FEWEST_PIXELS - 1, 0), (FEWEST_PIXELS, 1)])
def test_a_class_of_too_few_pixels_says_nothing(pixels, counted):
    label = torch.full((1, 4, 4), IGNORE)
    label.view(-1)[:pixels] = 1
    for centroids in (Centroids(3, 2), Centroids(3, 2)):
        centroids.estimate(torch.ones(1, 2, 4, 4), label)
        assert centroids.count.tolist() == [0, counted, 0]
        assert centroids.vectors.abs().sum() == 2 * counted


def test_the_estimate_is_the_mean_of_the_images_means():
    centroids, batches = Centroids(2, 3), [torch.randn(2, 3, 4, 4) for _ in range(5)]
    label = torch.zeros(2, 4, 4, dtype=torch.int64)
    for features in batches:
        centroids.estimate(features, label)
    torch.testing.assert_close(centroids.vectors[0], torch.cat(batches).mean((0, 2, 3)))
    assert centroids.count.tolist() == [10, 0] and not centroids.vectors[1].any()


def test_late_images_of_the_estimate_weigh_as_one_of_3001():
    centroids = Centroids(1, 2)
    centroids.count.fill_(10 * MOST_COUNTED)
    centroids.estimate(torch.ones(1, 2, 3, 3), torch.zeros(1, 3, 3, dtype=torch.int64))
    torch.testing.assert_close(centroids.vectors, torch.full((1, 2), 1 / 3001))


def test_one_update_moves_by_the_momentum_times_the_distance():
    centroids = Centroids(3, 4)
    centroids.vectors.normal_()
    centroids.count.fill_(1)
    before = centroids.vectors.clone()
    features, label = 5 * torch.randn(1, 4, 6, 6), torch.zeros(1, 6, 6, dtype=torch.int64)
    label[0, 0, :FEWEST_PIXELS - 1] = 1
    centroids.follow(features, label, momentum=1e-4)
    mean = features[0][:, label[0] == 0].mean(1)
    moved = (centroids.vectors - before).double().norm(dim=1)
    assert moved[0].item() == pytest.approx(1e-4 * (mean - before[0]).norm().item(), rel=1e-2)
    assert moved[1:].tolist() == [0, 0]  # too few pixels; none
    torch.testing.assert_close(centroids.vectors[0], before[0] + 1e-4 * (mean - before[0]))


def test_two_images_are_two_updates():
    one, both = Centroids(1, 2), Centroids(1, 2)
    features, label = torch.randn(2, 2, 4, 4), torch.zeros(2, 4, 4, dtype=torch.int64)
    for centroids in (one, both):
        centroids.count.fill_(1)
    both.follow(features, label, 0.1)
    for i in range(2):
        one.follow(features[i:i + 1], label[i:i + 1], 0.1)
    torch.testing.assert_close(both.vectors, one.vectors)


def test_a_class_without_centroid_does_not_follow():
    centroids = Centroids(1, 2)
    centroids.follow(torch.ones(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64), 0.5)
    assert not centroids.vectors.any() and not centroids.count.any()


def test_probabilities_are_the_softmax_of_the_negative_distance():
    centroids = Centroids(4, 3)
    centroids.vectors.normal_()
    centroids.count.copy_(torch.tensor([1, 1, 0, 1]))
    features = torch.randn(2, 3, 5, 6)
    probs = centroids.probs(features)
    distance = (features[:, None] - centroids.vectors[None, :, :, None, None]).norm(dim=2)
    torch.testing.assert_close(probs[:, [0, 1, 3]], (-distance[:, [0, 1, 3]]).softmax(1), rtol=1e-4, atol=1e-5)
    assert not probs[:, 2].any()
    larger = centroids.probs(features, (10, 12))
    assert larger.shape == (2, 4, 10, 12)
    torch.testing.assert_close(larger.sum(1), torch.ones(2, 10, 12))


def test_without_any_centroid_there_is_no_opinion_and_no_nan():
    centroids, features = Centroids(3, 2), torch.randn(1, 2, 4, 4)
    assert not centroids.probs(features).any()
    assert (centroids.nearest(features, (8, 8)) == IGNORE).all()


def test_an_image_of_nothing_but_ignore_changes_nothing():
    centroids, label = Centroids(3, 2), torch.full((1, 4, 4), IGNORE)
    centroids.estimate(torch.randn(1, 2, 4, 4), label)
    centroids.follow(torch.randn(1, 2, 4, 4), label)
    assert not centroids.vectors.any() and not centroids.count.any()


def test_a_resumed_run_has_them():
    assert set(Centroids(3, 2).state_dict()) == {'vectors', 'count'}
